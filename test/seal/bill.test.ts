import { describe, expect, test } from "bun:test";
import { billOf } from "../../src/seal/bill.ts";

interface Component {
  readonly type: string;
  readonly "bom-ref": string;
  readonly name: string;
  readonly group?: string;
  readonly purl?: string;
  readonly licenses?: readonly object[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Bill {
  readonly serialNumber: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const info = {
  name: "shop",
  buildId: "0123456789abcdef0123456789abcdef",
  supervisor: { version: "0.1.0", commit: "abc" },
  runtime: "bun 1.4.5",
  target: "linux-x64",
  files: [],
  services: [],
  modules: [{ path: "api.ts", sha256: "a".repeat(64) }],
  packages: [
    { name: "@scope/one", version: "1.0.0", license: "MIT OR Apache-2.0" },
    { name: "two", version: "2.0.0", license: "SEE LICENSE IN LICENSE.md" },
    { name: "both", version: "3.0.0" },
    { name: "next", version: "1.0.0-beta+1" },
    { name: "unversioned" },
  ],
};
const bill = billOf(info, [{ name: "both", version: "3.0.0" }]) as Bill;
const byName = (name: string) => bill.components.filter((each) => each.name === name);

describe("billOf()", () => {
  test("has what CycloneDX demands: a serial number, known types, references that are there once", () => {
    expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
    expect(bill.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    );
    for (const { type } of bill.components)
      expect(["framework", "platform", "library", "file"]).toContain(type);
    const refs = bill.components.map((each) => each["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    for (const { dependsOn } of bill.dependencies) {
      expect(new Set(dependsOn).size).toBe(dependsOn.length);
      for (const ref of dependsOn) expect(refs).toContain(ref);
    }
  });

  test("escapes a version in the purl, and leaves out one that nobody knows", () => {
    expect(byName("next")).toMatchObject([{ version: "1.0.0-beta+1", purl: "pkg:npm/next@1.0.0-beta%2B1" }]);
    expect(byName("unversioned")).toEqual([
      {
        type: "library",
        "bom-ref": "pkg:npm/unversioned",
        name: "unversioned",
        purl: "pkg:npm/unversioned",
      },
    ] as Component[]);
  });

  test("names packages by their purl, with their group and license", () => {
    expect(byName("one")).toMatchObject([
      {
        group: "@scope",
        purl: "pkg:npm/%40scope/one@1.0.0",
        licenses: [{ expression: "MIT OR Apache-2.0" }],
      },
    ]);
    expect(byName("two")).toMatchObject([{ licenses: [{ license: { name: "SEE LICENSE IN LICENSE.md" } }] }]);
  });

  test("lists once what the services and the supervisor both use", () => {
    expect(byName("both")).toHaveLength(1);
    const uses = bill.dependencies.filter(({ dependsOn }) => dependsOn.includes("pkg:npm/both@3.0.0"));
    expect(uses.map(({ ref }) => ref)).toEqual(["app", "supervisor"]);
  });

  test("has the files of the services with their hashes, and is the same for the same build", () => {
    expect(byName("api.ts")).toMatchObject([{ hashes: [{ alg: "SHA-256", content: "a".repeat(64) }] }]);
    expect(JSON.stringify(billOf(info, []))).toBe(JSON.stringify(billOf(info, [])));
  });
});
