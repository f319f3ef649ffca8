import { expect, test } from "bun:test";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { until } from "../support/until.ts";

const yaml = `name: checked
admin: { listen: 127.0.0.1:0 }
services:
  well: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  freezer: { module: ${fixtures}/freezes.ts, http: { port: 0 } }
`;

describeTargets("healthcheck", (target) => {
  test("exits 0 while traffic may come, 1 when not, also while the event loop is frozen and when nobody runs", async () => {
    await using system = startSystem(target, yaml);
    await system.ready();
    const healthcheck = (...args: string[]) =>
      runSupervisorCli(target, ["healthcheck", ...args], { env: { XDG_RUNTIME_DIR: system.folder.path } });
    const name = ["--name", "checked"];
    const admin = await system.url();
    expect(await healthcheck(...name)).toMatchObject({ code: 0, stdout: "ok\n", stderr: "" });
    expect(await healthcheck("well", ...name)).toMatchObject({ code: 0 });
    expect(await healthcheck("--url", admin, "--live")).toMatchObject({ code: 0 });
    const unknown = await healthcheck("wel", ...name);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain('"wel"');

    void fetch(`${await system.url("freezer")}/fetch`).catch(() => {});
    const frozen = await until(
      () => healthcheck("--live", ...name),
      ({ code }) => code === 1,
    );
    expect(frozen.stderr).toContain("freezer");
    expect(await healthcheck("--url", admin)).toMatchObject({ code: 1 });
    system.process.signal("SIGKILL");
    await system.process.exit;
    expect(await healthcheck("--url", admin)).toMatchObject({ code: 1 });
    expect(await healthcheck(...name)).toMatchObject({ code: 1, stdout: "" });
  }, 60_000);

  test("refuses what cannot be meant, and waits no longer than it may", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const url = `http://127.0.0.1:${silent.port}`;
      const { code, stderr } = await runSupervisorCli(target, [
        "healthcheck",
        "--url",
        url,
        "--timeout",
        "200ms",
      ]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: "no answer within 200 ms\n" });
    } finally {
      silent.stop(true);
    }
    for (const wrong of [
      ["--timeout", "soon"],
      ["--url", "here"],
      ["--url", "https://127.0.0.1:1"],
      ["--url", "ftp://127.0.0.1:1"],
      ["--live", "api"],
    ]) {
      const { code, stderr } = await runSupervisorCli(target, ["healthcheck", ...wrong]);
      expect({ wrong, code }).toEqual({ wrong, code: 64 });
      expect(stderr).not.toContain("    at ");
    }
  });
});
