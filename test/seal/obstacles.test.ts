import { describe, expect, test } from "bun:test";
import { findObstacles } from "../../src/seal/obstacles.ts";
import { tempDir } from "../support/temp-dir.ts";

/** Where something is found in a file of the user, as `line:column`. */
function found(text: string, followed: readonly string[] = []): { fatal: string[]; doubtful: string[] } {
  using folder = tempDir({ "a.ts": text });
  const imports = followed.map((specifier) => ({ path: specifier, specifier }));
  const { fatal, doubtful } = findObstacles(folder.path, [{ path: "a.ts", isModule: true, imports }]);
  const place = ({ position }: (typeof fatal)[number]) => `${position?.line}:${position?.column}`;
  return { fatal: fatal.map(place), doubtful: doubtful.map(place) };
}

const made = (text: string) =>
  `import { createRequire } from "node:module"; const need = createRequire(import.meta.url);\n${text}`;

describe("findObstacles()", () => {
  test.each([
    `await import("./b.ts");`,
    `await import( /* a comment */ './b.ts' );`,
    `await import("./b.json", { with: { type: "json" } });`,
    `type B = typeof import("./b.ts");`,
    `// await import(name)`,
    `const text = "import(name)";`,
    `loader.import(name); my.require(name);`,
    `console.log(import.meta.main, import.meta.url);`,
    "await import(`./b.ts`); require(`./b.cjs`);",
    `require("./b" + ".cjs"); await import(("./b.ts") as string);`,
    `await import(isNew ? "./b.ts" : "./c.ts"); require(kind === "b" ? './b.cjs' : './c.cjs');`,
    `class Loader { async import(file: string): Promise<void> {}\n require(id: string) { return id; } }`,
    `interface Loader { import(file: string): void; require(id: string): void }`,
    `declare function require(name: string): unknown;`,
    `if (typeof require !== "undefined" && require.main === module) run();`,
    `require.resolve(name); require.cache[name];`,
    `import foo = require("./b.cjs");`,
    made(`need("node:fs"); need("fs"); need("/etc/app.json"); need.resolve(name);`),
    `const need = createRequire("/opt/plugins/"); need(name); createRequire(process.cwd() + "/")("./x");`,
    `import { createRequire } from "node:module"; function createRequireOf(x) { return x; } createRequireOf(name);`,
    // The wrappers with which packages run everywhere, and what bundlers leave behind.
    `(function (root, factory) { if (typeof define === "function" && define.amd) define(["b"], factory);
      else if (typeof module === "object" && module.exports) module.exports = factory(require("b")); else root.X = factory(root.b); })(this, function (b) {});`,
    `var __require = ((x) => typeof require !== "undefined" ? require : typeof Proxy !== "undefined" ? new Proxy(x, {
      get: (a, b) => (typeof require !== "undefined" ? require : a)[b] }) : x)(function (x) {
      if (typeof require !== "undefined") return require.apply(this, arguments); throw Error(x); }); __require("fs");`,
    `(function e(t,n,r){function s(o,u){if(!n[o]){var a=typeof require=="function"&&require;if(!u&&a)return a(o,!0)}}
      })({1:[function(require,module,exports){require("./other")},{}]},{},[1]);`,
  ])("lets %s be", (text) => {
    expect(found(text)).toEqual({ fatal: [], doubtful: [] });
  });

  test("finds what is computed, in a template and by addition too", () => {
    expect(found("\nawait import(name);").fatal).toEqual(["2:7"]);
    expect(found('await import("./" + name);').fatal).toEqual(["1:7"]);
    expect(found("await import(`./${name}.ts`);").fatal).toEqual(["1:7"]);
    expect(found("const x = require(name);").fatal).toEqual(["1:11"]);
  });

  test("finds require under another name: the bundler does not follow it, also to a literal", () => {
    expect(found(`const r = require;\nr("./b.cjs");`).fatal).toEqual(["2:1"]);
    expect(found(`const r: NodeRequire = require\nr(name);`).fatal).toEqual(["2:1"]);
    expect(found(`let load = isWeb ? other : require;\nload("./b.cjs");`).fatal).toEqual(["2:1"]);
    expect(found(`const get = typeof x === "y" ? other : require;\nget("./b.cjs");`).fatal).toEqual(["2:1"]);
    expect(found(`module.require(name);`).fatal).toEqual(["1:1"]);
    expect(found(`const f = (load = require) => load("./b.cjs");`).fatal).toEqual(["1:31"]);
    expect(found(`import.meta.require("./b.cjs");`).fatal).toEqual(["1:1"]);
    expect(found(`module.require("./b.cjs");`)).toEqual({ fatal: [], doubtful: [] });
  });

  test("finds what createRequire() makes, whatever it is called", () => {
    expect(found(made(`need("./b.cjs");\nneed("dep");\nneed(name);`)).fatal).toEqual(["2:1", "3:1", "4:1"]);
    expect(found(`const require = createRequire(import.meta.url);\nrequire("dep");`).fatal).toEqual(["2:1"]);
    expect(found(`import { createRequire as cr } from "module";\ncr(import.meta.url)("dep");`).fatal).toEqual(
      ["2:1"],
    );
    expect(
      found(`import module from "node:module";\nconst x = module.createRequire(__filename)("dep");`).fatal,
    ).toEqual(["2:11"]);
  });

  test("only doubts a createRequire() of which nobody knows where it looks", () => {
    expect(found(`const need = createRequire(place);\nneed("dep");`)).toEqual({
      fatal: [],
      doubtful: ["2:1"],
    });
  });

  test("lets be what is inside anyway, as it is imported, too", () => {
    expect(found(made(`import "dep"; need("dep");`), ["dep"])).toEqual({ fatal: [], doubtful: [] });
  });

  test("finds the wrapper of TypeScript that hands require on", () => {
    const text = `(function (factory) { var v = factory(require, exports); })(function (require, exports) {\nrequire("./b.cjs"); });`;
    expect(found(text).fatal).toEqual(["2:1"]);
  });

  test("calls a native addon one, however it is required", () => {
    using folder = tempDir({
      "a.ts": made(`need("addon");\nneed("./x.node");\nprocess.dlopen(module, path);`),
      "node_modules/addon/package.json": `{ "dependencies": { "bindings": "*" } }`,
    });
    const { fatal, doubtful } = findObstacles(folder.path, [{ path: "a.ts", isModule: true, imports: [] }]);
    expect(fatal.map(({ message }) => message.replace(/ \(.*/, ""))).toEqual([
      `"addon" is or loads machine code`,
      `"./x.node" is or loads machine code`,
    ]);
    expect(doubtful.map(({ message, position }) => [position?.line, message])).toEqual([
      [4, expect.stringContaining("machine code")],
    ]);
  });

  test("refuses a loader of addons, and names a package that has one once", () => {
    using folder = tempDir({
      "a.ts": `import "bindings";\nimport "addon";`,
      "node_modules/bindings/index.js": "",
      "node_modules/addon/index.js": "",
      "node_modules/addon/package.json": `{ "dependencies": { "bindings": "*" } }`,
    });
    const to = (name: string) => ({ path: `node_modules/${name}/index.js`, specifier: name });
    const { fatal } = findObstacles(folder.path, [
      { path: "node_modules/addon/index.js", isModule: true, imports: [to("bindings")] },
      { path: "a.ts", isModule: true, imports: [to("bindings"), to("addon")] },
    ]);
    expect(fatal.map(({ position }) => [position?.file, position?.line])).toEqual([
      [`${folder.path}/a.ts`, 1],
      [`${folder.path}/a.ts`, 2],
    ]);
  });

  test("takes names of one letter in a package for anything", () => {
    using folder = tempDir({ "node_modules/p/a.js": "var r=require;function f(r){return r(x)}" });
    const inputs = [{ path: "node_modules/p/a.js", isModule: true, imports: [] }];
    expect(findObstacles(folder.path, inputs)).toEqual({ fatal: [], doubtful: [] });
  });

  test("doubts whoever looks for files beside itself", () => {
    expect(found("readFileSync(import.meta.dirname + '/x')").doubtful).toEqual(["1:14"]);
    expect(found('new URL("./x", import.meta.url)').doubtful).toEqual(["1:1"]);
    expect(found("join(__dirname, 'x')").doubtful).toEqual(["1:6"]);
  });

  test("only doubts packages, each once: nobody here can change them", () => {
    using folder = tempDir({
      "node_modules/p/package.json": "{}",
      "node_modules/p/a.js": "require(x)",
      "node_modules/p/b.js": "require(y)",
    });
    const inputs = ["a", "b"].map((name) => ({
      path: `node_modules/p/${name}.js`,
      isModule: true,
      imports: [],
    }));
    expect(findObstacles(folder.path, inputs)).toMatchObject({
      fatal: [],
      doubtful: [{ code: "CANNOT_SEAL" }],
    });
  });
});
