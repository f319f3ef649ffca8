import { expect, test } from "bun:test";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 30_000;
/** `late` never becomes ready, `ill` says so itself and is not critical. */
const yaml = `name: test
admin: { listen: 127.0.0.1:0 }
services:
  api: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  late: { module: ${fixtures}/hangs.ts, config: { start: true }, stop_timeout: 100ms }
  ill:
    module: ${fixtures}/unwell.ts
    config: { file: ./never-there }
    http: { port: 0 }
    critical: false
    health: { interval: 20ms, failures: 1000000 }
`;

describeTargets("the health endpoints", (target) => {
  test(
    "tell the whole, the loop, the traffic and one service apart",
    async () => {
      await using system = startSystem(target, yaml);
      const admin = await system.url();
      const get = async (path: string, accept?: string) => {
        const response = await fetch(admin + path, accept ? { headers: { accept } } : {});
        const { status, headers } = response;
        return { status, type: headers.get("content-type"), text: await response.text() };
      };

      expect(await get("/livez")).toMatchObject({ status: 200, text: "ok\n" });
      const readyz = await until(
        () => get("/readyz"),
        ({ text }) => text.includes("[+]api ok") && text.includes("ill warning: unhealthy"),
      );
      expect(readyz.status).toBe(503);
      expect(readyz.text).toMatch(/^\[\+\]api ok$/m);
      expect(readyz.text).toMatch(/^\[-\]late failed: starting since /m);
      expect(readyz.text).toMatch(/^\[!\]ill warning: unhealthy since .*: the file has gone$/m);
      expect((await get("/healthz")).status).toBe(503);

      expect(await get("/readyz?exclude=late")).toMatchObject({ status: 200, text: "ok\n" });
      const verbose = await get("/readyz?verbose&exclude=late");
      expect(verbose.status).toBe(200);
      expect(verbose.text).toMatch(/^\[\+\]late excluded: ok$/m);
      expect(verbose.text).toEndWith("readyz check passed\n");

      expect((await get("/readyz/api")).status).toBe(200);
      expect((await get("/readyz/late")).status).toBe(503);
      expect((await get("/readyz/ill")).status).toBe(503);
      expect(await get("/readyz/lat")).toMatchObject({
        status: 404,
        text: expect.stringContaining('did you mean "late"?'),
      });

      const json = await get("/healthz", "application/health+json");
      expect(json.type).toStartWith("application/health+json");
      const { status, checks } = JSON.parse(json.text);
      expect(status).toBe("fail");
      expect(checks["late:state"]).toMatchObject([{ status: "fail", observedValue: "starting" }]);
      expect(checks["ill:state"]).toMatchObject([{ status: "warn", observedValue: "unhealthy" }]);
      expect((await get("/readyz", "application/json")).type).toStartWith("application/json");

      expect((await fetch(`${admin}/livez`, { method: "HEAD" })).status).toBe(200);
      expect((await fetch(`${admin}/livez`, { method: "POST" })).status).toBe(405);
      expect((await system.stop()).code).toBe(75);
      await expect(fetch(`${admin}/livez`)).rejects.toThrow();
    },
    slow,
  );

  test(
    "are served on a unix socket that is gone after the stop",
    async () => {
      const onSocket = yaml.replace("127.0.0.1:0", "unix:./admin.sock").replace(/ {2}late: .*\n/, "");
      await using system = startSystem(target, onSocket);
      await system.ready();
      expect(await system.url()).toEndWith("/admin.sock");
      const socket = `${system.folder.path}/admin.sock`;
      const response = await fetch("http://test/readyz", { unix: socket });
      expect(response.status).toBe(200);
      expect((await system.stop()).code).toBe(0);
      expect(await Bun.file(socket).exists()).toBe(false);
      await expect(fetch("http://test/readyz", { unix: socket })).rejects.toThrow();
    },
    slow,
  );
});
