import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (name: string) => readFileSync(join(import.meta.dir, "..", name), "utf8");
const manifest = JSON.parse(read("package.json"));
const npmLock = JSON.parse(read("package-lock.json"));
const bunLock = read("bun.lock");
const denoLock = JSON.parse(read("deno.lock"));
const production: Record<string, string> = manifest.dependencies;
const direct: Record<string, string> = { ...production, ...manifest.devDependencies };

describe("the lockfiles", () => {
  test("package.json names exact versions", () => {
    expect(Object.values(direct).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test.each(Object.entries(direct))("npm and bun install the same %s", (name, version) => {
    expect(npmLock.packages[`node_modules/${name}`].version).toBe(version);
    expect(bunLock).toContain(`"${name}": ["${name}@${version}"`);
  });

  test("deno installs the same packages as production needs, and knows all versions of package.json", () => {
    expect(denoLock.specifiers).toEqual(
      Object.fromEntries(
        Object.entries(production).map(([name, version]) => [`npm:${name}@${version}`, version]),
      ),
    );
    const known = Object.entries(direct).map(([name, version]) => `npm:${name}@${version}`);
    expect(denoLock.workspace.packageJson.dependencies).toEqual(known.toSorted());
  });

  test("npm and bun lock the same packages with the same content", () => {
    const locked = Object.values(npmLock.packages as Record<string, { integrity?: string }>);
    const missing = locked.flatMap(({ integrity }) =>
      integrity && !bunLock.includes(integrity) ? [integrity] : [],
    );
    expect(missing).toEqual([]);
  });

  test.each(["package-lock.json", "bun.lock", "deno.lock"])("%s names no registry", (name) => {
    const urls = read(name).match(/https?:\/\/[^"]+\.tgz|"resolved"/g);
    expect(urls).toBeNull();
  });
});
