import { expect, test } from "bun:test";
import { codeOf } from "../../src/doctor/code-text.ts";
import { importsIn } from "../../src/doctor/imports.ts";

test("codeOf() keeps length and lines, and blanks comments, strings, templates and patterns", () => {
  const text = [
    "#!/usr/bin/env bun",
    'const a = "x // y"; // Bun.serve',
    "/* Deno",
    " .serve */ const b = `t ${ `in ${a}` + '}' } u`;",
    "const c = /['\"`]/.test(a) ? 4 / 2 : 8 / a;",
    "const d = 'it\\'s';",
    "return /Bun/",
  ].join("\n");
  const code = codeOf(text);
  expect(code).toHaveLength(text.length);
  expect(code.split("\n")).toEqual([
    "                  ",
    'const a = "      ";             ',
    "       ",
    "           const b = `  ${ `   ${a}` + ' ' }  `;",
    "const c = /     /.test(a) ? 4 / 2 : 8 / a;",
    "const d = '     ';",
    "return /   /",
  ]);
});

test("codeOf() takes an apostrophe in JSX for the end of its line only", () => {
  expect(codeOf("<p>don't</p>;\nBun.serve")).toBe("<p>don'      \nBun.serve");
});

const specifiersIn = (text: string) => importsIn(text, codeOf(text)).map(({ specifier }) => specifier);

test("importsIn() finds every form of an import and none in a comment or a string", () => {
  const text = `
import a from "a";
import * as b from 'b';
import {
  c,
  type D,
} from "c";
import "d";
export * from "e";
export { f } from "f";
export const g = 1
import h from "h"
export { g }
import i from "i"
const j = await import("j"), k = import(\`k\`), l = import("l" + k);
// import m from "m";
const n = 'import o from "o"';
x.import("p");
`;
  expect(specifiersIn(text)).toEqual(["a", "b", "c", "d", "e", "f", "h", "i", "j"]);
});

test("importsIn() tells types from values, and where the names stand", () => {
  const text = 'import type { A } from "a";\nimport b, { type C, d as e } from "b";\nimport type from "t";\n';
  const [types, mixed, named] = importsIn(text, codeOf(text));
  expect(types).toMatchObject({ typeOnly: true, kind: "import" });
  expect(mixed).toMatchObject({ typeOnly: false, other: true });
  expect(mixed?.names).toEqual([
    { name: "C", typeOnly: true, offset: text.indexOf("type C") },
    { name: "d", typeOnly: false, offset: text.indexOf("d as e") },
  ]);
  expect(named).toMatchObject({ typeOnly: false, specifier: "t", other: true });
});
