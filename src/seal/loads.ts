import { argumentOf, isDeclaration } from "./calls.ts";

/** One place where code loads another file by a call. */
export interface Load {
  readonly offset: number;
  /** Up to the opening parenthesis. */
  readonly length: number;
  readonly kind: "import" | "require";
  /** The bundler sees it; otherwise it is a require by another name, of which it knows nothing. */
  readonly isSeen: boolean;
  /** It looks from the module's own place, so nothing is found there; otherwise nobody can say. */
  readonly isCertain: boolean;
  /** The function's name is so short that in other people's code it is anything. */
  readonly isShort: boolean;
  /** What it may load; undefined: it is computed. */
  readonly specifiers: readonly string[] | undefined;
}

/** The loads in a file, in their order. `code` is what `codeOf` makes of `text`. */
export function loadsIn(text: string, code: string): Load[] {
  const made = madeIn(code);
  const named = new Map([...aliasesIn(code), ...made.named]);
  const found = new Map<number, Load>();
  const add = (start: number, open: number, how: Pick<Load, "kind" | "isSeen" | "isCertain" | "isShort">) => {
    const argument = argumentOf(text, code, open);
    if (argument === undefined || found.has(start) || isDeclaration(code, start, open)) return;
    found.set(start, { offset: start, length: open + 1 - start, ...how, ...argument });
  };
  const unseen = { kind: "require", isSeen: false, isCertain: true, isShort: false } as const;
  for (const { start, open, isCertain } of made.called) add(start, open, { ...unseen, isCertain });
  for (const [name, isCertain] of named) {
    for (const { index, 0: whole } of code.matchAll(callsOf(name))) {
      add(index, index + whole.length - 1, { ...unseen, isCertain, isShort: name.length <= 2 });
    }
  }
  for (const { index, 0: whole } of code.matchAll(/\bimport\s*\.\s*meta\s*\.\s*require\s*\(/g)) {
    add(index, index + whole.length - 1, unseen);
  }
  for (const { index, 0: whole } of code.matchAll(seenCalls)) {
    const kind = whole.startsWith("import") ? "import" : "require";
    add(index, index + whole.length - 1, { kind, isSeen: true, isCertain: true, isShort: false });
  }
  return [...found.values()].sort((a, b) => a.offset - b.offset);
}

const seenCalls = /(?<![.\w$])(?:import|(?:module\s*\.\s*)?(?<!function )require)\s*\(/g;

function callsOf(name: string): RegExp {
  return new RegExp(String.raw`(?<![.\w$]|function )${name.replaceAll("$", "\\$")}\s*(?:\?\.\s*)?\(`, "g");
}

/** Other names of `require`: assigned from it, or a parameter that it is handed to. */
function aliasesIn(code: string): Map<string, boolean> {
  const assigned =
    /(?<![.\w$])([\w$]+)\s*(?::[^=;,()]*)?=\s*(?:[^;=\n]*(?:===?[^;=\n]*)?[?:]\s*)?(?:(?:module|import\.meta)\s*\.\s*)?require\s*(?=[;,)\n}]|$)/g;
  const aliases = new Map([...code.matchAll(assigned)].map(([, name]) => [name as string, true]));
  // The usual wrapper of TypeScript: `factory(require, exports)`. Within it a require is a parameter.
  if (
    /(?<![\w$])(?!(?:function|async|if|while|typeof|return|catch)\b)[\w$]+\s*\(\s*require\s*[,)](?!\s*(?:=>|\{))/.test(
      code,
    )
  )
    aliases.set("require", true);
  return aliases;
}

interface Made {
  /** By name, whether it looks from the module's own place. */
  readonly named: ReadonlyMap<string, boolean>;
  /** Those that are called where they are made. */
  readonly called: readonly { readonly start: number; readonly open: number; readonly isCertain: boolean }[];
}

/** What `createRequire` makes. From a fixed place of the machine it finds there what it did unsealed, so those are left out. */
function madeIn(code: string): Made {
  const makers = [...code.matchAll(/\bcreateRequire\s*(?:\bas\b|:)\s*([\w$]+)/g)].map(
    ([, name]) => name as string,
  );
  const named = new Map<string, boolean>();
  const called = [];
  for (const maker of ["createRequire", ...makers]) {
    const call = new RegExp(
      String.raw`(?:(?<![.\w$])([\w$]+)\s*(?::[^=;,()]*)?=\s*)?(?:[\w$]+(?:\s*\([^()]*\))?\s*\.\s*)?(?<!function )(?<![\w$])${maker.replaceAll("$", "\\$")}\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*(\()?`,
      "g",
    );
    for (const match of code.matchAll(call)) {
      const [whole, name, base = "", open] = match;
      if (/^\s*["'`]|\bprocess\s*\.\s*cwd\b/.test(base)) continue;
      const isCertain = /\bimport\s*\.\s*meta\b|\b__(?:filename|dirname)\b/.test(base);
      if (open)
        called.push({
          start: match.index + startOf(whole, name),
          open: match.index + whole.length - 1,
          isCertain,
        });
      else if (name !== undefined) named.set(name, isCertain);
    }
  }
  return { named, called };
}

/** Behind `name =`. */
function startOf(whole: string, name: string | undefined): number {
  if (name === undefined) return 0;
  return whole.length - whole.slice(whole.indexOf("=") + 1).trimStart().length;
}
