import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nearest } from "../core/nearest.ts";
import { addSecret, looksSecret } from "./secrets.ts";

/** What variables are looked up in, and where their secret values are gathered. */
export interface VariableSource {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly secrets: Set<string>;
  /** When there, what is not set is gathered in it instead of being a mistake. */
  readonly lacks?: Lacks;
}

/** What will be there where it runs, and is not here; by name. */
export interface Lacks {
  readonly credentials: Set<string>;
  /** Absent: a variable that is not set is a mistake all the same. */
  readonly variables?: Set<string>;
}

/** A scalar after its variables were replaced. */
export interface Expanded {
  readonly text: string;
  /** The whole of it was one variable, so the field decides what type it is. */
  readonly whole: boolean;
  /** It must not be shown. */
  readonly secret: boolean;
}

/** A reference that stands for nothing; offsets into the text that was expanded. */
export interface VariableMistake {
  readonly code: "UNSET_VARIABLE" | "BAD_VALUE";
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly hint: string;
}

/**
 * Replaces `${VAR}`, `${VAR:-default}`, `${VAR:?message}`, `${credential:NAME}` and `$$` in `text`.
 * A default may itself hold references; values are never looked through again. Calls `report` for each
 * mistake and returns undefined when there was one, or when something is lacking.
 */
export function expandVariables(
  text: string,
  from: VariableSource,
  report: (mistake: VariableMistake) => void,
): Expanded | undefined {
  let failed = false;
  let secret = false;
  let depth = 0;
  const result = expandRange(0, text.length);
  if (failed) return undefined;
  return { text: result, whole: text.startsWith("${") && closingBrace(text, 0) === text.length - 1, secret };

  function expandRange(start: number, end: number): string {
    let result = "";
    let at = start;
    while (at < end) {
      const dollar = text.indexOf("$", at);
      if (dollar === -1 || dollar >= end - 1) break;
      result += text.slice(at, dollar);
      at = dollar + 2;
      if (text[dollar + 1] === "{") {
        const close = closingBrace(text, dollar);
        result += close === -1 ? unclosed(dollar) : expandReference(dollar, close);
        at = close === -1 ? end : close + 1;
      } else {
        result += text[dollar + 1] === "$" ? "$" : text.slice(dollar, at);
      }
    }
    return result + text.slice(at, end);
  }

  function expandReference(start: number, close: number): string {
    const inner = text.slice(start + 2, close);
    const credential = /^credential:([\w.@-]+)$/.exec(inner)?.[1];
    if (credential) return readCredential(credential, start, close);
    const [head, name, operator] = /^([A-Za-z_]\w*)(:-|:\?|$)/.exec(inner) ?? [];
    if (head === undefined || name === undefined) return notAReference(start, close);
    const value = from.variables[name];
    if (value !== undefined && (value !== "" || operator === "")) {
      if (looksSecret(name)) {
        secret = true;
        addSecret(from.secrets, value);
      }
      return value;
    }
    const rest = start + 2 + head.length;
    if (operator === ":-") return expandDefault(rest, close);
    return unset(name, start, close, operator === ":?" ? text.slice(rest, close) : undefined);
  }

  function expandDefault(start: number, end: number): string {
    const message = `Defaults are nested more than ${deepest} deep`;
    if (depth === deepest) return fail("BAD_VALUE", start, end, message, "Set some of the variables.");
    depth++;
    const result = expandRange(start, end);
    depth--;
    return result;
  }

  function readCredential(name: string, start: number, close: number): string {
    const folder = from.variables.CREDENTIALS_DIRECTORY;
    secret = true;
    if (!folder) {
      if (from.lacks) return lack(from.lacks.credentials, name);
      return fail(
        "UNSET_VARIABLE",
        start,
        close,
        `Credential "${name}" cannot be read: $CREDENTIALS_DIRECTORY is not set`,
        `systemd sets it for LoadCredential=${name}:FILE; elsewhere point it at a folder with a file "${name}".`,
      );
    }
    try {
      const value = readFileSync(join(folder, name), "utf8").replace(/\r?\n$/, "");
      addSecret(from.secrets, value);
      return value;
    } catch (error) {
      return fail(
        "UNSET_VARIABLE",
        start,
        close,
        `Credential "${name}" cannot be read: ${reasonOf(error)}`,
        `Put the value into the file "${name}" in the folder $CREDENTIALS_DIRECTORY.`,
      );
    }
  }

  function unset(name: string, start: number, close: number, reason: string | undefined): string {
    if (from.lacks?.variables) return lack(from.lacks.variables, name);
    const state = from.variables[name] === "" ? "empty" : "not set";
    const similar = nearest(name, Object.keys(from.variables));
    return fail(
      "UNSET_VARIABLE",
      start,
      close,
      `Variable ${name} is ${state}${reason ? `: ${reason}` : ""}`,
      `Set it${similar && similar !== name ? ` (${similar} is set)` : ""}, or give a default: \${${name}:-value}`,
    );
  }

  function lack(names: Set<string>, name: string): string {
    failed = true;
    names.add(name);
    return "";
  }

  function notAReference(start: number, close: number): string {
    return fail(
      "BAD_VALUE",
      start,
      close,
      `"${text.slice(start, close + 1)}" is not a variable`,
      "Write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${credential:NAME}; $${ gives a literal ${.",
    );
  }

  function unclosed(start: number): string {
    const message = "A variable is not closed";
    return fail("BAD_VALUE", start, start + 1, message, "Add the }, or write $${ for a literal ${.");
  }

  function fail(
    code: VariableMistake["code"],
    start: number,
    close: number,
    message: string,
    hint: string,
  ): string {
    failed = true;
    report({ code, start, end: close + 1, message, hint });
    return "";
  }
}

const deepest = 10;

/** The `}` that closes the `${` at `start`, or -1. */
function closingBrace(text: string, start: number): number {
  let depth = 1;
  for (let at = start + 2; at < text.length; at++) {
    if (text[at] === "$" && text[at + 1] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  return code === "EISDIR" ? "it is a folder" : String(code ?? error);
}
