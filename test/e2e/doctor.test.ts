import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Finding } from "../../src/doctor/finding.ts";
import { freePort } from "../support/free-port.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli, spawnSupervisor } from "../support/targets.ts";
import type { TempDir } from "../support/temp-dir.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const slow = 30_000;
const files = {
  "package.json": '{ "type": "commonjs" }\n',
  "tsconfig.json": '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }\n',
  "node_modules/machine/package.json": '{ "gypfile": true }',
  "api.ts": `import { writeFileSync } from "node:fs";
import { help, Row } from "./lib/rows";
import { help as again } from "@lib/rows.ts";
import { nothing } from "not-installed";
import machine from "machine";
import type { Context } from "supervisor";

writeFileSync(import.meta.dirname + "/ran", "");
export default { fetch: () => new Response(String([help, again, nothing, machine, __dirname])) };
`,
  "lib/rows.ts": `export interface Row {}
export const help = typeof Deno === "undefined" ? Bun.version : "";
export const fs = require("node:fs");
`,
  "key.pem": "",
  "cert.pem": "",
};

describeTargets("supervisor doctor", (target) => {
  test(
    "a module that cannot be parsed is an error at its place",
    async () => {
      using folder = tempDir({
        "services.yaml":
          "name: sick\nadmin: false\nservices:\n  api: { module: ./api.ts, http: { port: 0 } }\n",
        "package.json": '{ "type": "module" }\n',
        "api.ts": 'import "./part.ts";\nexport default { fetch: () => new Response() };\n',
        "part.ts": "export const part = 1;\nexport default { fetch( {",
      });
      const { code, stdout } = await doctor(target, folder, "--json");
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      const found = findings.filter((finding) => finding.code === "MODULE_SYNTAX");
      expect(found).toMatchObject([{ level: "error", position: { line: 2 } }]);
      expect(found[0]?.position?.file).toEndWith("part.ts");
      expect(code).not.toBe(0);
    },
    slow,
  );

  test(
    "finds what is wrong in the file, in the modules and what they import, and on the machine, and runs nothing",
    async () => {
      await using taken = await listen();
      using folder = tempDir({
        ...files,
        "services.yaml": `name: sick
admin: false
services:
  api: { module: ./api.ts, http: { port: ${taken.port} } }
  sock: { module: ./api.ts, http: { unix: ./no/such.sock } }
  tls: { module: ./api.ts, http: { port: 0, tls: { cert: ./cert.pem, key: ./key.pem } } }
  typo: { module: ./api.ts, http: { port: 0 }, critcal: true }
`,
      });
      chmodSync(join(folder.path, "key.pem"), 0o644);
      const { code, stdout } = await doctor(target, folder, "--json");
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      const isDeno = target.name === "deno";
      const there = isDeno ? "error" : "warn";
      expect(findings.map((finding) => brief(folder, finding)).sort()).toEqual(
        [
          `${there} COMMONJS api.ts:9:83`,
          `${there} COMMONJS lib/rows.ts:3:19`,
          `${there} IMPORT_EXTENSION api.ts:2:28`,
          `${there} TSCONFIG_PATHS api.ts:3:32`,
          "error PACKAGE_MISSING api.ts:4:26",
          "error PORT_IN_USE services.yaml:4:42",
          "error SOCKET_FOLDER services.yaml:5:43",
          "error UNKNOWN_KEY services.yaml:7:48",
          "warn NATIVE_ADDON api.ts:5:22",
          "warn PACKAGE_TYPE package.json:1:3",
          "warn SECRET_READABLE services.yaml:6:75",
          "warn TYPE_IMPORT api.ts:2:16",
        ].sort(),
      );
      const inUse = findings.find((finding) => finding.code === "PORT_IN_USE");
      expect(inUse?.message).toMatch(new RegExp(`in use by .+ \\(pid ${process.pid}\\)$`));
      expect(code).toBe(1);
      expect(existsSync(join(folder.path, "ran"))).toBe(false);
    },
    slow,
  );

  test(
    "prints the line with a caret and the remedy; warnings alone are no failure",
    async () => {
      using folder = tempDir({
        "package.json": '{ "type": "commonjs" }',
        "services.yaml":
          "name: fine\nadmin: false\nservices:\n  api: { module: ./api.ts, http: { port: 0 } }\n",
        "api.ts": 'export default { fetch: () => new Response("well") };\n',
      });
      const warned = await doctor(target, folder);
      expect(warned.stdout).toContain(
        'package.json:1:3 warn PACKAGE_TYPE  package.json says "type": "commonjs"',
      );
      expect(warned.stdout).toContain(
        '\n    1 | { "type": "commonjs" }\n      |   ^^^^^^^^^^^^^^^^^^\nhelp: Write "type": "module".\n',
      );
      expect(warned.stdout).toEndWith("\n1 warning\n");
      expect(warned.code).toBe(0);
      folder.write("package.json", '{ "type": "module" }');
      expect(await doctor(target, folder)).toMatchObject({ stdout: "no findings\n", stderr: "", code: 0 });
    },
    slow,
  );

  test(
    "does not hold the ports of the supervisor that runs the file against it",
    async () => {
      const port = await freePort();
      using folder = tempDir({
        "services.yaml": `name: doctored-${port}\nadmin: false\nservices:\n  api: { module: ./api.ts, http: { port: ${port} } }\n`,
        "package.json": '{ "type": "module" }\n',
        "api.ts": "export default { fetch: () => new Response() };\n",
      });
      await using running = spawnSupervisor(target, ["run"], { cwd: folder.path });
      const inUse = async () => (await doctor(target, folder)).stdout.includes("PORT_IN_USE");
      await running.waitFor("ready");
      expect(await until(inUse, (found) => !found, 5_000)).toBe(false);
    },
    slow,
  );

  test(
    "ends with 78 when services.yaml cannot be read",
    async () => {
      using folder = tempDir({ "services.yaml": "services: [" });
      const { code, stderr } = await doctor(target, folder);
      expect(stderr).toContain("YAML_SYNTAX");
      expect(code).toBe(78);
      using empty = tempDir();
      expect((await doctor(target, empty)).code).toBe(78);
    },
    slow,
  );
});

function doctor(target: Target, folder: TempDir, ...args: string[]) {
  // Elsewhere a test may run in a unit or a pod of its own.
  const env = { INVOCATION_ID: undefined, KUBERNETES_SERVICE_HOST: undefined };
  return runSupervisorCli(target, ["doctor", "services.yaml", ...args], { cwd: folder.path, env });
}

function brief(folder: TempDir, { level, code, position }: Finding): string {
  const place = position
    ? ` ${position.file.replace(`${folder.path}/`, "")}:${position.line}:${position.column}`
    : "";
  return `${level} ${code}${place}`;
}

async function listen(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
