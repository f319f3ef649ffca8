import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../core/errors.ts";
import type { Position, Problem } from "../core/problem.ts";
import { sealed } from "../core/sealed.ts";

/**
 * Says what went wrong while the module of `service` was imported. Bun and Deno tell it in different
 * shapes (and Deno gives syntax errors the code ERR_MODULE_NOT_FOUND), so their codes are not looked at.
 */
export function loadProblems(
  service: string,
  module: string,
  error: unknown,
  at: Position | undefined,
): Problem[] {
  const built = buildMessages(error);
  if (built.length > 0)
    return built.map((message) => syntaxProblem(service, message.message, positionOf(message)));
  const text = messageOf(error).replace(colors, "");
  if (isMissing(error, text)) return [missing(service, requiredBy(error) ?? module, text, at)];
  const denoSyntax = /^SyntaxError: (.+)/.exec(text) ?? (error instanceof SyntaxError ? [text, text] : null);
  if (denoSyntax) return [syntaxProblem(service, lineOf(denoSyntax[1] as string), placeIn(text) ?? at)];
  return [threw(service, error, text, at)];
}

/** Bun's BuildMessage: one per syntax error, with where it is. */
interface BuildMessage {
  readonly message: string;
  readonly position: {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly length: number;
    readonly lineText: string;
  };
}

function buildMessages(error: unknown): BuildMessage[] {
  const candidates = error instanceof AggregateError ? error.errors : [error];
  return candidates.filter(isBuildMessage).slice(0, 1);
}

function isBuildMessage(value: unknown): value is BuildMessage {
  return typeof value === "object" && value !== null && "position" in value && isPlace(value.position);
}

function isPlace(value: unknown): boolean {
  return typeof value === "object" && value !== null && "lineText" in value;
}

function positionOf({ position }: BuildMessage): Position {
  return {
    file: position.file,
    line: position.line,
    column: position.column,
    text: position.lineText,
    length: Math.max(1, position.length),
  };
}

function isMissing(error: unknown, text: string): boolean {
  if (/^SyntaxError/.test(text)) return false;
  const unprepared = unpreparedModule.exec(text)?.[1];
  // With hooks Deno takes a bare name for a file beside the importing one, and asks for it unseen.
  if (unprepared !== undefined)
    return unprepared.startsWith("file:") && !existsSync(fileURLToPath(unprepared));
  return (
    folderImport.test(text) ||
    /^(Cannot find (module|package)|Module not found|Import "[^"]+" not a dependency)/.test(text) ||
    isResolve(error)
  );
}

/** The file whose `require()` found nothing, as the error tells it. */
function requiredBy(error: unknown): string | undefined {
  const { requireStack } = Object(error) as { readonly requireStack?: unknown };
  const first: unknown = Array.isArray(requireStack) ? requireStack[0] : undefined;
  return typeof first === "string" ? first : undefined;
}

function isResolve(error: unknown): boolean {
  return typeof error === "object" && error !== null && error.constructor?.name === "ResolveMessage";
}

/** `file` is the one that wants it, unless `text` knows better. */
function missing(service: string, file: string, text: string, at: Position | undefined): Problem {
  const wanted = pathOf(
    /(?:module|package|found|[Ii]mport) ["']([^"']+)["']/.exec(text)?.[1] ??
      unpreparedModule.exec(text)?.[1] ??
      "a module",
  );
  const by = pathOf(/imported from:? ["']?([^\s"']+)/.exec(text)?.[1] ?? placeIn(text)?.file ?? file);
  const found = importOf(by, wanted);
  const name = found?.specifier ?? wanted;
  const fault = folderImport.test(text) ? "is a folder" : "does not exist";
  const isPackage = /^[@a-z0-9]/i.test(name);
  const position = found?.position ?? placeIn(text) ?? at;
  return {
    code: "MODULE_NOT_FOUND",
    message: `Cannot load service "${service}": ${by} imports "${name}", which ${fault}`,
    hint: isPackage
      ? `Install it where the module lives (bun add ${packageIn(name)}), or correct the import.`
      : "Correct the path of the import; it is relative to the importing file, and Deno needs its extension.",
    ...(position ? { position } : {}),
  };
}

/** @example packageIn("@scope/name/sub") // "@scope/name" */
function packageIn(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function syntaxProblem(service: string, message: string, position: Position | undefined): Problem {
  return {
    code: "MODULE_SYNTAX",
    message: `Cannot load service "${service}": ${message}`,
    hint: "Correct the module at this place.",
    ...(position ? { position } : {}),
  };
}

function threw(service: string, error: unknown, text: string, at: Position | undefined): Problem {
  const place = error instanceof Error ? placeIn(error.stack ?? "") : undefined;
  const position = place ?? at;
  return {
    code: "MODULE_THREW",
    message: `Cannot load service "${service}": its module threw while it was loaded${sealedPlace(error)}: ${text}`,
    hint: "Move work that can fail out of the module's top level, into start(): there it is retried.",
    ...(position ? { position } : {}),
  };
}

/** Inside a sealed executable there is no text to show, only where it would be. */
function sealedPlace(error: unknown): string {
  if (!sealed() || !(error instanceof Error)) return "";
  const match = /(?:at |\()((?:[^\s():]+\/)*[^\s():/]+\.[mc]?[jt]sx?:\d+):\d+/.exec(error.stack ?? "");
  return match ? ` (at ${match[1]})` : "";
}

/**
 * The first `file:line:column` in a message or a stack, with the text of that line. What a compiled supervisor has inside is
 * no file that anybody could open.
 */
function placeIn(text: string): Position | undefined {
  const match = /(?:at |\()(?:[^()\n]*\()?((?:file:\/\/)?\/(?!\$bunfs\/)[^\s()]+?):(\d+):(\d+)/.exec(text);
  if (!match) return undefined;
  const file = (match[1] as string).startsWith("file:")
    ? fileURLToPath(match[1] as string)
    : (match[1] as string);
  return place(file, Number(match[2]), Number(match[3]));
}

/** Bun takes the index file of it; Deno wants a file. */
const folderImport = /^\[ERR_UNSUPPORTED_DIR_IMPORT\]/;
const unpreparedModule = /^Loading unprepared module: ([^\s,]+)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Deno colors its messages
const colors = /\u001b\[\d+m/g;

function pathOf(name: string): string {
  return name.startsWith("file:") ? fileURLToPath(name) : name;
}

/**
 * Where `file` imports `wanted`, and how it says so. Runtimes tell the specifier, its package, or the path that they made
 * of it, and none of them where it stands.
 */
function importOf(file: string, wanted: string): { specifier: string; position: Position } | undefined {
  for (const [index, text] of readLines(file).entries()) {
    for (const match of text.matchAll(/(["'])([^"'\s]+)\1/g)) {
      const specifier = match[2] as string;
      const isIt =
        specifier === wanted ||
        specifier.startsWith(`${wanted}/`) ||
        resolve(dirname(file), specifier) === wanted;
      if (!isIt) continue;
      const column = match.index + 1;
      return { specifier, position: { file, line: index + 1, column, text, length: specifier.length + 2 } };
    }
  }
  return undefined;
}

function place(file: string, line: number, column: number): Position | undefined {
  const text = readLines(file)[line - 1];
  return text === undefined ? undefined : { file, line, column, text, length: 1 };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    // The place is a nicety: a message without its source line still says what is wrong.
    return [];
  }
}

function lineOf(text: string): string {
  return text.split("\n")[0] as string;
}
