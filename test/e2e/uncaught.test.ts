import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { testUnsealed } from "../support/sealed-suite.ts";
import type { LogLine } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;

/**
 * What becomes of the error: `blamed` on its service, told as `nobody`'s, or `unseen`: the runtime tells no handler.
 * `wrong` would be another service.
 */
type Fate = "blamed" | "nobody" | "unseen" | "wrong";

/** Every way in which code of a service can throw past everybody, and what each runtime leaves to see of it. */
const ways: readonly (readonly [way: string, bun: Fate, deno: Fate])[] = [
  ["timeout", "blamed", "blamed"],
  ["interval", "blamed", "blamed"],
  ["immediate", "blamed", "blamed"],
  ["nexttick", "blamed", "blamed"],
  ["microtask", "blamed", "blamed"],
  ["rejection", "blamed", "blamed"],
  ["async", "blamed", "blamed"],
  ["fetched", "blamed", "blamed"],
  // Bun loses the context of rejections, and the stack of its own fetch names nobody.
  ["refused", "nobody", "blamed"],
  ["file-promise", "blamed", "blamed"],
  ["file-callback", "blamed", "blamed"],
  ["listener", "blamed", "blamed"],
  ["no-listener", "blamed", "blamed"],
  // Deno prints it and calls no handler.
  ["connected", "blamed", "unseen"],
  // A text has no stack, and Bun has lost the context.
  ["text", "nobody", "blamed"],
  ["library", "blamed", "blamed"],
];

const throwing = readFileSync(join(fixtures, "throws.ts"), "utf8");
const files = Object.fromEntries(ways.map(([way]) => [`${way}/main.ts`, throwing]));
const service = (way: string) =>
  `  ${way}: { module: ./${way}/main.ts, critical: false, http: { port: 0 } }\n`;
const head = "name: test\nadmin: { listen: 127.0.0.1:0 }\ndefaults: { restart: { policy: never } }\n";
const neighbour = `  neighbour: { module: ${fixtures}/plain.ts, http: { port: 0 } }\n`;

describeTargets("an error that nobody caught", (target) => {
  test(
    "is blamed on its service as far as the runtime lets us know, and harms nobody else",
    async () => {
      const yaml = `${head}services:\n${neighbour}${ways.map(([way]) => service(way)).join("")}`;
      await using system = startSystem(target, yaml, { files });
      await system.ready();
      const closed = `http://127.0.0.1:${await freePort()}/`;
      const fates: [string, Fate][] = [];
      for (const [way, ...expected] of ways) {
        const seen = system.log.length;
        const news = async () => system.log.slice(seen).find(({ level }) => level === "error");
        await fetch(`${await system.url(way)}/${way}?closed=${closed}`);
        const unseen = fateOn(target, expected) === "unseen";
        // Waited for all the same: a fate that got better is news.
        if (unseen) await Bun.sleep(300);
        const record = unseen ? await news() : await until(news, (found) => found !== undefined);
        fates.push([way, fateOf(record, way)]);
        expect(await (await fetch(await system.url("neighbour"))).text()).toBe("plain");
      }
      expect(fates).toEqual(ways.map(([way, ...expected]) => [way, fateOn(target, expected)]));
      const admin = await system.url();
      expect((await fetch(`${admin}/readyz`)).status).toBe(200);
      const blamed = fates.filter(([, fate]) => fate === "blamed").map(([way]) => way);
      for (const way of blamed) expect((await fetch(`${admin}/readyz/${way}`)).status).toBe(503);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "is told under the name of a service that has ended, and counts against nobody",
    async () => {
      const leaks = `export default { start() { setInterval(() => { throw new Error("left behind"); }, 100); } };\n`;
      const well = `export default { fetch: () => new Response("well") };\n`;
      const yaml = `${head}on_unattributed: stop
services:
  innocent: { module: ./innocent.ts, http: { port: 0 }, restart: { policy: on-failure, limit: 1 } }
  leaky: { module: ./leaky.ts, critical: false }
`;
      const files = { "leaky.ts": leaks, "innocent.ts": well };
      await using system = startSystem(target, yaml, { files });
      const isLeft = ({ msg }: LogLine) => msg.includes("has ended");
      await until(
        async () => system.log.filter(isLeft).length,
        (count) => count >= 3,
      );
      expect(system.log.find(isLeft)).toMatchObject({ level: "error", service: "leaky", generation: 1 });
      expect(system.log.filter(({ service, level }) => service === "innocent" && level !== "info")).toEqual(
        [],
      );
      expect(await (await fetch(await system.url("innocent"))).text()).toBe("well");
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  describe("and that no service can be blamed for", () => {
    // A file that two services share names neither, and while modules are loaded no service runs.
    const nobodys = `setTimeout(() => { throw new Error("of nobody"); }, 300);\nexport default { fetch: () => new Response("well") };\n`;
    const shared = { "shared.ts": nobodys };
    const two =
      "  a: { module: ./shared.ts, http: { port: 0 } }\n  b: { module: ./shared.ts, http: { port: 0 } }\n";

    test(
      "is logged, and everything goes on",
      async () => {
        await using system = startSystem(target, `${head}services:\n${two}`, { files: shared });
        const record = await system.record(({ level }) => level === "error");
        expect(record.msg).toContain("no service could be blamed");
        expect(record.service).toBeUndefined();
        expect(await (await fetch(await system.url("a"))).text()).toBe("well");
        expect((await system.stop()).code).toBe(0);
      },
      slow,
    );

    test(
      "stops everything in order with on_unattributed: stop, naming the error, with exit code 70",
      async () => {
        const yaml = `${head}on_unattributed: stop\nservices:\n${two}`;
        await using system = startSystem(target, yaml, { files: shared });
        expect((await system.process.exit).code).toBe(70);
        const { cause, outcome, services } = system.report();
        expect(cause).toEqual({ tag: "failure", message: "of nobody" });
        expect(outcome).toBe("clean");
        expect(services.map((stop) => `${stop.service} ${stop.outcome}`)).toEqual(["b stopped", "a stopped"]);
        expect(system.process.stderr).toContain("no service could be blamed");
      },
      slow,
    );

    testUnsealed(target, "edits")(
      "does what the services.yaml of the last reload says",
      async () => {
        const asked = `let asked = false;
setInterval(() => { if (asked) { asked = false; throw new Error("of nobody"); } }, 10);
export default { fetch() { asked = true; return new Response("well"); } };
`;
        const yaml = `${head}services:
${two}`;
        await using system = startSystem(target, yaml, { files: { "shared.ts": asked } });
        await system.ready();
        const url = await system.url("a");
        await fetch(url);
        await system.record(({ msg }) => msg.includes("no service could be blamed"));
        system.folder.write("services.yaml", `on_unattributed: stop\n${yaml}`);
        system.process.signal("SIGHUP");
        await system.record(({ msg }) => msg === "reloaded: reconfigure on_unattributed");
        await fetch(url);
        expect((await system.process.exit).code).toBe(70);
      },
      slow,
    );
  });
});

function fateOn({ name }: Target, [bun, deno]: readonly Fate[]): Fate {
  return (name === "deno" ? deno : bun) as Fate;
}

function fateOf(record: LogLine | undefined, way: string): Fate {
  if (record === undefined) return "unseen";
  if (record.service === undefined) return "nobody";
  return record.service === way ? "blamed" : "wrong";
}
