import { describe, expect, test } from "bun:test";
import { findObstacles } from "../../src/seal/obstacles.ts";
import { tempDir } from "../support/temp-dir.ts";

/** Where something is found in a file of the user, as `line:column`. */
function found(text: string): { fatal: string[]; doubtful: string[] } {
  using folder = tempDir({ "a.ts": text });
  const { fatal, doubtful } = findObstacles(folder.path, [{ path: "a.ts", imports: [] }]);
  const place = ({ position }: (typeof fatal)[number]) => `${position?.line}:${position?.column}`;
  return { fatal: fatal.map(place), doubtful: doubtful.map(place) };
}

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
  ])("lets %s be", (text) => {
    expect(found(text)).toEqual({ fatal: [], doubtful: [] });
  });

  test("finds what is computed, in a template and by addition too", () => {
    expect(found("\nawait import(name);").fatal).toEqual(["2:7"]);
    expect(found('await import("./" + name);').fatal).toEqual(["1:7"]);
    expect(found("await import(`./${name}.ts`);").fatal).toEqual(["1:7"]);
    expect(found("const x = require(name);").fatal).toEqual(["1:11"]);
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
    const inputs = ["a", "b"].map((name) => ({ path: `node_modules/p/${name}.js`, imports: [] }));
    expect(findObstacles(folder.path, inputs)).toMatchObject({
      fatal: [],
      doubtful: [{ code: "CANNOT_SEAL" }],
    });
  });
});
