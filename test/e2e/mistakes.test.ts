import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { testUnsealed } from "../support/sealed-suite.ts";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, freshBinary } from "../support/targets.ts";

const slow = 30_000;
const head = "name: test\nadmin: false\n";
const privilegedPort = 999;
const isRoot = process.getuid?.() === 0;
/** Somebody without a home: nothing may be cached there. */
const userEnv = { HOME: undefined, DENO_DIR: "/nonexistent" };

/** Each mistake: one right message, the exit code, and nothing that stays behind. */
describeTargets("a mistake", (target) => {
  test(
    "port in use: 70, naming the service, the address and what to do; nothing else has started",
    async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const { port } = taken.address() as AddressInfo;
      const free = await freePort();
      const yaml = `${head}services:
  good: { module: ${fixtures}/plain.ts, http: { port: ${free} } }
  bad: { module: ${fixtures}/plain.ts, http: { port: ${port} } }
  socket: { module: ${fixtures}/plain.ts, http: { unix: ./good.sock } }
`;
      await using system = startSystem(target, yaml);
      await expectRefusal(system, 70, [
        `ADDRESS_IN_USE  Cannot listen on 127.0.0.1:${port} for service "bad": the port is already in use`,
        "services.bad.http.port",
      ]);
      taken.close();
      expect(await isListening(free)).toBe(false);
      expect(existsSync(join(system.folder.path, "good.sock"))).toBe(false);
    },
    slow,
  );

  test(
    "admin port in use: 70, naming the address; what has started is stopped",
    async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const { port } = taken.address() as AddressInfo;
      const free = await freePort();
      const yaml = `name: test
admin: { listen: 127.0.0.1:${port} }
services:
  good: { module: ${fixtures}/plain.ts, http: { port: ${free} } }
`;
      await using system = startSystem(target, yaml);
      expect((await system.process.exit).code).toBe(70);
      expect(system.process.stderr).toContain(`Cannot listen on 127.0.0.1:${port} for the admin listener`);
      taken.close();
      expect(await isListening(free)).toBe(false);
    },
    slow,
  );

  test(
    "a port of another supervisor: 70, although Bun would share it",
    async () => {
      const port = await freePort();
      const yaml = `${head}services:\n  web: { module: ${fixtures}/plain.ts, http: { port: ${port} } }\n`;
      await using first = startSystem(target, yaml);
      await first.ready();
      await using second = startSystem(target, yaml);
      await expectRefusal(second, 70, [
        `ADDRESS_IN_USE  Cannot listen on 127.0.0.1:${port} for service "web"`,
      ]);
      expect((await fetch(`http://127.0.0.1:${port}/`)).ok).toBe(true);
    },
    slow,
  );

  test(
    "a socket in a folder that does not exist: 70, with the command that makes it",
    async () => {
      const service = `services:\n  web: { module: ${fixtures}/plain.ts, http: { unix: ./absent/web.sock } }\n`;
      await using system = startSystem(target, `${head}${service}`);
      await expectRefusal(system, 70, ["ADDRESS_UNAVAILABLE", "does not exist", "mkdir -p"]);
      const admin = `name: test\nadmin: { listen: unix:./absent/admin.sock }\n${service.replace("absent/web", "web")}`;
      await using other = startSystem(target, admin);
      await expectRefusal(other, 70, ["for the admin listener", "does not exist", "mkdir -p"]);
    },
    slow,
  );

  test(
    "process.exit in a module: 78, and in a service a failure of that service alone",
    async () => {
      const files = {
        "exits.ts": "process.exit(0);\nexport default { run: async () => {} };\n",
        "later.ts": "export default { start() { setTimeout(() => process.exit(0), 50); } };\n",
      };
      await using loading = startSystem(target, `${head}services:\n  a: { module: ./exits.ts }\n`, { files });
      await expectRefusal(loading, 78, ["exits.ts:1", "MODULE_THREW", "process.exit(0) was called"]);
      const yaml = `${head}services:\n  a: { module: ./later.ts, restart: never }\n`;
      await using running = startSystem(target, yaml, { files });
      expect((await running.process.exit).code).toBe(70);
      expect(running.process.stderr).toContain("process.exit(0) was called");
    },
    slow,
  );

  testUnsealed(target, "files")(
    "in the file, in a module and in what another exports: 78, and all of it at once, in reading order",
    async () => {
      const files = {
        "syntax.ts": "export default { start() { const = 1 } };\n",
        "number.ts": "export default 42;\n",
      };
      const yaml = `${head}services:
  typo: { module: ./number.ts, restrat: always }
  broken: { module: ./syntax.ts }
`;
      await using system = startSystem(target, yaml, { files });
      await expectRefusal(system, 78, ["3 problems"]);
      const codes = system.process.stderr.match(/(?<=^\S+ )[A-Z_]+(?= {2})/gm);
      expect(codes).toEqual(["NOT_A_SERVICE", "UNKNOWN_KEY", "MODULE_SYNTAX"]);
    },
    slow,
  );

  test(
    "a schema that quotes the value it refuses does not print a secret",
    async () => {
      const files = {
        "picky.ts": `export const config = { "~standard": { validate: (value: { token: string }) => ({
  issues: [{ message: \`Expected number but received "\${value.token}"\`, path: ["token"] }] }) } };
export default { run: async () => {} };\n`,
      };
      const yaml = `${head}services:\n  a: { module: ./picky.ts, config: { token: "\${MY_TOKEN}" } }\n`;
      await using system = startSystem(target, yaml, { files, env: { MY_TOKEN: "tok-secret-value" } });
      await expectRefusal(system, 78, ["BAD_CONFIG", "received"]);
      expect(system.process.stderr).not.toContain("tok-secret-value");
    },
    slow,
  );

  const reason = whyNoPrivilegeTest(target);
  test.skipIf(reason !== undefined)(
    `port below 1024 as a user: 70, naming the port and the capability${reason ? ` (skipped: ${reason})` : ""}`,
    async () => {
      const yaml = `${head}services:\n  web: { module: ${fixtures}/plain.ts, http: { port: ${privilegedPort} } }\n`;
      await using system = startSystem(asUser(target), yaml, {
        env: userEnv,
        openToAll: true,
      });
      await expectRefusal(system, 70, [
        `ADDRESS_FORBIDDEN  Cannot listen on 127.0.0.1:${privilegedPort} for service "web": permission denied`,
        "CAP_NET_BIND_SERVICE",
      ]);
    },
    slow,
  );

  test(
    "missing module: 78, pointing at the line",
    async () => {
      const yaml = `${head}services:
  good: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  bad:
    module: ./nope.ts
`;
      await using system = startSystem(target, yaml);
      await expectRefusal(system, 78, ["services.yaml:6:13 MODULE_NOT_FOUND", "nope.ts"]);
    },
    slow,
  );

  testUnsealed(target, "files")(
    "a missing package and a missing file: 78, pointing at the imports",
    async () => {
      const yaml = `${head}services:\n  one: { module: ./one.ts }\n  two: { module: ./two.ts }\n`;
      const files = {
        "one.ts": 'import pad from "left-padd/more";\nexport default { start: pad };\n',
        "two.ts": 'const two = 2;\nexport { start } from "./gone.ts";\nexport default { two };\n',
      };
      await using system = startSystem(target, yaml, { files });
      await expectRefusal(system, 78, [
        "one.ts:1:17 MODULE_NOT_FOUND",
        "bun add left-padd)",
        "two.ts:2:23 MODULE_NOT_FOUND",
        'imports "./gone.ts"',
      ]);
    },
    slow,
  );

  testUnsealed(target, "build")(
    "a module that cannot be parsed, one that throws, one that is no service: 78, all of them at once",
    async () => {
      const yaml = `${head}services:
  broken: { module: ./broken.ts }
  throws: { module: ./throws.ts }
  nothing: { module: ./nothing.ts }
`;
      const files = {
        "broken.ts": "export default {\n  fetch( => 1,\n};\n",
        "throws.ts": 'throw new Error("no config for me");\n',
        "nothing.ts": "export default { colour: 1 };\n",
      };
      await using system = startSystem(target, yaml, { files });
      await expectRefusal(system, 78, [
        "MODULE_SYNTAX",
        "broken.ts:2",
        "MODULE_THREW",
        "no config for me",
        "NOT_A_SERVICE",
        "an object with colour",
        "3 problems",
      ]);
    },
    slow,
  );

  test(
    "bad yaml: 78, with the line and a caret",
    async () => {
      await using system = startSystem(target, `${head}services:\n  a: { module: ./a.ts\n   b\n`);
      await expectRefusal(system, 78, ["services.yaml:5:", "YAML_SYNTAX", "^"]);
    },
    slow,
  );

  test(
    "a config: of the wrong type: 78, every value that does not fit, pointing into the yaml",
    async () => {
      const yaml = `${head}services:
  priced:
    module: ${fixtures}/priced.ts
    config:
      currency: GBP
      retries: three
`;
      await using system = startSystem(target, yaml);
      await expectRefusal(system, 78, [
        'services.yaml:7:17 BAD_CONFIG  config.currency of service "priced"',
        'services.yaml:8:16 BAD_CONFIG  config.retries of service "priced"',
        "2 problems",
      ]);
    },
    slow,
  );

  test(
    "a key of the wrong type and an unknown one: 78, with the nearest name",
    async () => {
      const yaml = `${head}services:
  api:
    modul: ./a.ts
    module: ${fixtures}/plain.ts
    http: { port: many }
`;
      await using system = startSystem(target, yaml);
      await expectRefusal(system, 78, [
        "services.yaml:5:5 UNKNOWN_KEY",
        "module",
        "services.yaml:7:19 WRONG_TYPE",
        "2 problems",
      ]);
    },
    slow,
  );

  test(
    "an unset variable: 78, naming it",
    async () => {
      const yaml = `${head}services:
  api:
    module: ${fixtures}/plain.ts
    http:
      port: \${NO_SUCH_PORT}
`;
      await using system = startSystem(target, yaml, { env: { NO_SUCH_PORT: undefined } });
      await expectRefusal(system, 78, ["services.yaml:7:13 UNSET_VARIABLE", "NO_SUCH_PORT"]);
    },
    slow,
  );
});

/** It ends with `code`, says all of `parts`, wrote nothing else anywhere, and nothing has started. */
async function expectRefusal(system: System, code: number, parts: readonly string[]): Promise<void> {
  expect((await system.process.exit).code).toBe(code);
  const { stdout, stderr } = system.process;
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).toContain("nothing was started");
  expect(stderr).not.toContain("defect");
  expect(system.log).toEqual([]);
  expect(stdout).toBe("");
  expect(existsSync(join(system.folder.path, "report.json"))).toBe(false);
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    // Refused: that is the answer.
    return false;
  } finally {
    socket.destroy();
  }
}

/** The same target run by nobody when the tests are run by root. */
function asUser(target: Target): Target {
  if (!isRoot) return target;
  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  return { ...target, command: ["setpriv", ...nobody, ...target.command] };
}

function whyNoPrivilegeTest(target: Target): string | undefined {
  if (target.missing) return target.missing;
  const limits = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  if (!existsSync(limits)) return "only Linux keeps ports below 1024 from users";
  if (Number(readFileSync(limits, "utf8")) <= privilegedPort) return "this kernel lets users bind low ports";
  if (target.name === "binary") freshBinary();
  const [command, ...args] = asUser(target).command;
  const env = { ...process.env, ...userEnv };
  const { status, stderr, error } = spawnSync(command, [...args, "version"], { env, encoding: "utf8" });
  return status === 0 ? undefined : `cannot run as another user: ${error?.message ?? stderr.trim()}`;
}
