import { expect, test } from "bun:test";
import type { System } from "../support/system.ts";
import { startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 30_000;
const service = (name: string) =>
  `import { shared } from "./lib/shared.ts";
export default (ctx) => ({ fetch: () => new Response(\`${name} \${shared} g\${ctx.generation}\`) });`;
const files = {
  "package.json": '{"type":"module"}',
  "a.ts": service("a"),
  "b.ts": service("b"),
  "own.ts": "export default (ctx) => ({ fetch: () => new Response(`own g${ctx.generation}`) });",
  "lib/shared.ts": "export const shared = 1;",
};
const yaml = `name: watched
admin: false
services:
  a: { module: ./a.ts, http: { port: 0 } }
  b: { module: ./b.ts, http: { port: 0 } }
  own: { module: ./own.ts, http: { port: 0 } }
`;

/** What all three answer once `enough` holds, or after five seconds. */
async function answers(system: System, enough: (all: string) => boolean): Promise<string> {
  const urls = await Promise.all(["a", "b", "own"].map((name) => system.url(name)));
  const ask = async (url: string) => (await fetch(url)).text();
  return until(async () => (await Promise.all(urls.map(ask))).join(", "), enough);
}

describeTargets("run --watch", (target) => {
  const reason = target.name === "deno" ? " (skipped: Deno keeps inline code for ever)" : "";
  test.skipIf(target.name === "deno")(
    `replaces what a saved file belongs to, and keeps the old code over a syntax error${reason}`,
    async () => {
      await using system = startSystem(target, yaml, { files, args: ["--watch"] });
      await system.ready();
      expect(await answers(system, () => true)).toBe("a 1 g1, b 1 g1, own g1");
      // The graph of imports is read after the start.
      await Bun.sleep(200);
      system.folder.write("lib/shared.ts", "export const shared = 2;");
      expect(await answers(system, (all) => /a 2.*b 2/.test(all))).toBe("a 2 g2, b 2 g2, own g1");
      system.folder.write("lib/shared.ts", "export const shared = {;");
      await system.process.waitFor(
        /a keeps its old code: .*shared\.ts:1:\d+ .*export const shared = \{;.*\^/,
      );
      expect(await answers(system, () => true)).toBe("a 2 g2, b 2 g2, own g1");
      system.folder.write("lib/shared.ts", "export const shared = 3;");
      expect(await answers(system, (all) => /a 3.*b 3/.test(all))).toBe("a 3 g3, b 3 g3, own g1");
      system.folder.write("services.yaml", yaml.replace("./b.ts", "./a.ts"));
      expect(await answers(system, (all) => /a 3.*a 3/.test(all))).toBe("a 3 g3, a 3 g4, own g1");
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test.skipIf(target.name !== "deno")(
    `says once that inline code stays what it was, and replaces a service with threads${target.name === "deno" ? "" : " (skipped: only Deno)"}`,
    async () => {
      const isolated = yaml.replace("./own.ts,", "./own.ts, isolation: worker,");
      await using system = startSystem(target, isolated, { files, args: ["--watch"] });
      await system.ready();
      await Bun.sleep(300);
      system.folder.write("lib/shared.ts", "export const shared = 2;");
      await system.record((line) => line.msg.startsWith("--watch cannot load code anew inline"));
      system.folder.write("own.ts", files["own.ts"].replace("own g", "new g"));
      expect(await answers(system, (all) => all.includes("new"))).toBe("a 1 g1, b 1 g1, new g2");
      system.folder.write("lib/shared.ts", "export const shared = 3;");
      await Bun.sleep(400);
      expect(system.log.filter((line) => line.msg.startsWith("--watch cannot")).length).toBe(1);
    },
    slow,
  );
});
