import { describe, expect, test } from "bun:test";
import type { FileView } from "../src/watch.ts";
import { createWatch } from "../src/watch.ts";
import { FakeClock, settle } from "./support/fake-clock.ts";

/** Files with a version and imports, services that own them, and what the watch asked for. */
function project(files: Record<string, readonly string[]>, services: Record<string, string>) {
  const clock = new FakeClock();
  const versions = new Map(Object.keys(files).map((file) => [file, 1]));
  const listeners = new Map<string, () => void>();
  const asked: string[] = [];
  const broken = new Set<string>();
  const view: FileView = {
    stamp: (file) => versions.get(file)?.toString(),
    watch(folder, changed) {
      listeners.set(folder, changed);
      return () => void listeners.delete(folder);
    },
    importsOf: async (file) => files[file] ?? [],
  };
  const current = new Map(Object.entries(services));
  const watch = createWatch({
    files: view,
    clock,
    plans: ["/app/services.yaml"],
    services: () => [...current].map(([name, module]) => ({ name, module })),
    async reload() {
      asked.push("reload");
    },
    async replace(names) {
      asked.push(`replace ${names.join(" ")}`);
      if (names.includes("defect")) throw new Error("a defect");
      return names.filter((name) => broken.has(name));
    },
    failed: (error) => void asked.push(String(error)),
  });
  return {
    clock,
    watch,
    asked,
    broken,
    current,
    files,
    folders: () => [...listeners.keys()].sort(),
    /** A file that was not there. */
    add(file: string) {
      const folder = file.slice(0, file.lastIndexOf("/"));
      versions.set(folder, (versions.get(folder) ?? 0) + 1);
      listeners.get(folder)?.();
    },
    save(file: string, ...imports: string[]) {
      versions.set(file, (versions.get(file) ?? 0) + 1);
      if (imports.length > 0) files[file] = imports;
      listeners.get(file.slice(0, file.lastIndexOf("/")))?.();
    },
    touch: (folder: string) => listeners.get(folder)?.(),
  };
}

const two = () =>
  project(
    {
      "/app/services.yaml": [],
      "/app/a/a.ts": ["/app/lib/shared.ts"],
      "/app/b/b.ts": ["/app/lib/shared.ts", "/app/b/own.ts"],
      "/app/b/own.ts": ["/app/b/b.ts"],
      "/app/lib/shared.ts": [],
    },
    { a: "/app/a/a.ts", b: "/app/b/b.ts" },
  );

describe("createWatch()", () => {
  test("watches the folders of the plan and of everything that is imported", async () => {
    const p = two();
    await p.watch.ready;
    expect(p.folders()).toEqual(["/app", "/app/a", "/app/b", "/app/lib"]);
    p.watch.close();
    expect(p.folders()).toEqual([]);
  });

  test("a service without a module has no files", async () => {
    const p = project({ "/app/services.yaml": [] }, { nightly: "" });
    await p.watch.ready;
    expect(p.folders()).toEqual(["/app"]);
  });

  test("replaces the service that a file belongs to, and both when it is shared", async () => {
    const p = two();
    await p.watch.ready;
    p.save("/app/b/own.ts");
    await p.clock.tick(100);
    p.save("/app/lib/shared.ts");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["replace b", "replace a b"]);
  });

  test("waits until nothing was saved for 100 ms, and then acts once", async () => {
    const p = two();
    await p.watch.ready;
    for (let saved = 0; saved < 5; saved++) {
      p.save("/app/a/a.ts");
      await p.clock.tick(99);
    }
    expect(p.asked).toEqual([]);
    await p.clock.tick(1);
    expect(p.asked).toEqual(["replace a"]);
    await p.clock.tick(10_000);
    expect(p.asked).toEqual(["replace a"]);
  });

  test("does nothing for files that are nobody's, and for events without a change", async () => {
    const p = two();
    await p.watch.ready;
    p.save("/app/a/notes.txt");
    p.touch("/app/lib");
    await p.clock.tick(100);
    expect(p.asked).toEqual([]);
  });

  test("reloads when the plan has changed, before it replaces anything", async () => {
    const p = two();
    await p.watch.ready;
    p.save("/app/a/a.ts");
    p.save("/app/services.yaml");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["reload", "replace a"]);
  });

  test("follows what the plan and the imports become", async () => {
    const p = two();
    await p.watch.ready;
    p.files["/app/c/c.ts"] = [];
    p.current.set("c", "/app/c/c.ts");
    p.current.delete("a");
    p.save("/app/services.yaml");
    await p.clock.tick(100);
    expect(p.folders()).toEqual(["/app", "/app/b", "/app/c", "/app/lib"]);
    p.save("/app/b/b.ts", "/app/more/more.ts");
    await p.clock.tick(100);
    expect(p.folders()).toEqual(["/app", "/app/b", "/app/c", "/app/more"]);
    p.save("/app/more/more.ts");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["reload", "replace b", "replace b"]);
  });

  test("tries one that could not be loaded again when a file appears, until it can be loaded", async () => {
    const p = two();
    await p.watch.ready;
    p.broken.add("b");
    p.files["/app/b/b.ts"] = [];
    p.save("/app/b/b.ts");
    await p.clock.tick(100);
    p.save("/app/lib/some.log");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["replace b"]);
    p.add("/app/lib/new.ts");
    await p.clock.tick(100);
    p.broken.clear();
    p.add("/app/lib/newer.ts");
    await p.clock.tick(100);
    p.add("/app/lib/newest.ts");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["replace b", "replace b", "replace b"]);
  });

  test("remembers what a service imported before it could not be loaded", async () => {
    const p = two();
    await p.watch.ready;
    p.broken.add("b");
    p.files["/app/b/own.ts"] = [];
    p.files["/app/b/b.ts"] = [];
    p.save("/app/b/b.ts");
    await p.clock.tick(100);
    p.save("/app/b/own.ts");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["replace b", "replace b"]);
  });

  test("goes on after a defect", async () => {
    const p = project({ "/app/a.ts": [] }, { defect: "/app/a.ts" });
    await p.watch.ready;
    p.save("/app/a.ts");
    await p.clock.tick(100);
    p.save("/app/a.ts");
    await p.clock.tick(100);
    expect(p.asked).toEqual(["replace defect", "Error: a defect", "replace defect", "Error: a defect"]);
  });

  test("close() in between calls off what was noticed", async () => {
    const p = two();
    await p.watch.ready;
    p.save("/app/a/a.ts");
    p.watch.close();
    await p.clock.tick(1_000);
    await settle();
    expect(p.asked).toEqual([]);
    expect(p.clock.pending).toBe(0);
  });
});
