import { expect, test } from "bun:test";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";

const slow = 30_000;
const secret = "s3cr3t-Value/42";
const yaml = `name: test
admin: { listen: 127.0.0.1:0 }
services:
  says:
    module: ${fixtures}/says.ts
    config: { key: "\${API_TOKEN}" }
    env: { API_TOKEN: "\${API_TOKEN}" }
    http: { port: 0 }
`;

describeTargets("the log", (target) => {
  test(
    "takes what a service prints by the console as records of that service",
    async () => {
      await using system = startSystem(target, yaml, { env: { API_TOKEN: secret } });
      await system.ready();
      const hello = system.log.find((line) => line.msg.startsWith("hello from the console"));
      expect(hello).toMatchObject({ level: "info", service: "says", generation: 1 });
      expect(JSON.stringify(hello)).toContain("42");
      expect(system.log.find((line) => line.msg === "something is off")).toMatchObject({
        level: "error",
        service: "says",
      });
      expect(system.process.stdout).toBe("");
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "takes every method of the console that prints as records of that service",
    async () => {
      const module = `export default { start() {
  console.table([{ a: 1 }]);
  console.dir({ a: { b: {} } }, { depth: 0 });
  console.dirxml("xml");
  console.count();
  console.countReset();
  console.count();
  console.assert(false, "no");
  console.group("group");
  console.log("inside");
  console.groupEnd();
  console.time("t");
  console.timeLog("t");
  console.timeEnd("t");
} };
`;
      const own = "name: test\nadmin: false\nservices:\n  talks: { module: ./talks.ts }\n";
      await using system = startSystem(target, own, { files: { "talks.ts": module } });
      await system.ready();
      const said = system.log.filter((line) => line.service === "talks" && line.msg !== "ready");
      const messages = said.map((line) => line.msg.replace(/[\d.]+ms$/, "T"));
      expect(messages[0]).toStartWith("Table:\n┌");
      const rest = ["{ a: [Object] }", "xml", "default: 1", "default: 1", "Assertion failed: no"];
      expect(messages.slice(1)).toEqual([...rest, "group", "  inside", "t: T", "t: T"]);
      expect((await system.stop()).code).toBe(0);
      expect(system.process.stdout).toBe("");
      expect(system.process.stderr.split("\n").filter((line) => line && !line.startsWith("{"))).toEqual([]);
    },
    slow,
  );

  for (const format of ["json", "pretty"]) {
    test(
      `never shows a secret that came from a variable, as ${format}`,
      async () => {
        const formatted = `${yaml}log: { format: ${format}, level: debug }\n`;
        await using system = startSystem(target, formatted, { env: { API_TOKEN: secret } });
        await system.process.waitFor("the key is still ");
        await system.process.waitFor(/ready in /);
        expect((await system.stop()).code).toBe(0);
        const everything = system.process.stdout + system.process.stderr;
        expect(everything).toContain("the key is ***");
        expect(everything).toContain("the key is still ***");
        expect(everything).not.toContain(secret);
        expect(everything).not.toContain(encodeURIComponent(secret));
      },
      slow,
    );
  }
});
