import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testUnsealed } from "../support/sealed-suite.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const project = (services: string) =>
  tempDir({ "services.yaml": `name: shop\nservices:\n${services}`, "a.ts": "" });

describeTargets("supervisor systemd", (target) => {
  testUnsealed(target, "files")(
    "prints the service unit and a unit for each socket, and starts it as it was called",
    async () => {
      using folder = project("  a: { module: ./a.ts, http: { listen: systemd:web, port: 8080 } }\n");
      folder.write("services.prod.yaml", "log: { level: debug }\n");
      const { code, stdout } = await runSupervisorCli(target, ["systemd", "--env", "prod"], {
        cwd: folder.path,
      });
      expect(code).toBe(0);
      expect(stdout).toContain("# /etc/systemd/system/shop.service\n");
      expect(stdout).toContain("# /etc/systemd/system/shop-web.socket\n");
      const [, start = ""] = /^ExecStart=(.*)$/m.exec(stdout) ?? [];
      expect(start).toEndWith(` run ${join(folder.path, "services.yaml")} --env prod`);
      expect(start).toContain(target.name === "binary" ? "/dist/supervisor run " : "/src/main.ts run ");
      expect(stdout.includes("DENO_DIR=")).toBe(target.name === "deno");
    },
  );

  test("keeps the links that the user named: the folder of the release, and the program in PATH", async () => {
    using folder = tempDir({
      "shop-42/services.yaml": "name: shop\nservices: { a: { module: ./a.ts } }\n",
      "shop-42/a.ts": "",
    });
    const link = join(folder.path, "current");
    symlinkSync("shop-42", link);
    const { stdout } = await runSupervisorCli(target, ["systemd"], { cwd: link, env: { PWD: link } });
    expect(stdout).toContain(`WorkingDirectory=${link}\n`);
    expect(stdout).toContain(` run ${link}/services.yaml\n`);
    if (target.name !== "binary") return;
    symlinkSync(target.command[0], join(folder.path, "supervisor"));
    const env = { PATH: `${folder.path}:${process.env.PATH}`, PWD: link };
    const called = spawnSync("sh", ["-c", "supervisor systemd"], { cwd: link, env, encoding: "utf8" });
    expect(called.stdout).toContain(`ExecStart=${folder.path}/supervisor run ${link}/services.yaml\n`);
  });

  test("--install writes them, writes its own anew, and leaves what somebody else has written", async () => {
    using folder = project("  a: { module: ./a.ts }\n");
    const install = () =>
      runSupervisorCli(target, ["systemd", "--user", "--install"], {
        cwd: folder.path,
        env: { XDG_CONFIG_HOME: folder.path },
      });
    const file = join(folder.path, "systemd/user/shop.service");
    const first = await install();
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(
      "systemctl --user daemon-reload && systemctl --user enable --now shop.service",
    );
    expect(readFileSync(file, "utf8")).toContain("WantedBy=default.target");
    expect((await install()).code).toBe(0);
    writeFileSync(file, "[Service]\n");
    const refused = await install();
    expect([refused.code, readFileSync(file, "utf8")]).toEqual([64, "[Service]\n"]);
    expect(refused.stderr).toContain("FILE_EXISTS");
  });

  test("--install says what moves a socket, and what removes one that services.yaml has no more", async () => {
    using folder = project("  a: { module: ./a.ts, http: { listen: systemd:web, port: 8080 } }\n");
    const install = () =>
      runSupervisorCli(target, ["systemd", "--user", "--install"], {
        cwd: folder.path,
        env: { XDG_CONFIG_HOME: folder.path },
      });
    expect((await install()).stdout).toContain("\nNow: systemctl --user daemon-reload && ");
    const listening = (listen: string) =>
      `name: shop\nservices: { a: { module: ./a.ts, http: { listen: "${listen}", port: 8081 } } }\n`;
    folder.write("services.yaml", listening("systemd:web"));
    expect((await install()).stdout).toContain(
      "\nNow: systemctl --user stop shop.service shop-web.socket && systemctl --user daemon-reload && ",
    );
    folder.write("services.yaml", listening("systemd:other"));
    expect((await install()).stdout).toContain(
      ` && systemctl --user disable shop-web.socket && rm ${folder.path}/systemd/user/shop-web.socket && `,
    );
  });

  test("needs no credential to be there, and says where each is read from", async () => {
    using folder = project('  a: { module: ./a.ts, config: { key: "${credential:api-key}" } }\n');
    const { stdout, stderr } = await runSupervisorCli(target, ["systemd"], { cwd: folder.path });
    expect(stdout).toContain("LoadCredential=api-key:/etc/shop/api-key\n");
    expect(stderr).toContain(
      'the credential "api-key" is read from /etc/shop/api-key, which is not there yet\n',
    );
  });

  test("needs no variable to be set, and says which the unit's file has to set, and which it does not", async () => {
    using folder = project(
      '  a: { module: ./a.ts, start_timeout: "${START}", http: { port: "${PORT}" }, config: { mode: "${MODE:-fast}" } }\n  b: { module: ./a.ts, consume: { broker: main, queue: jobs } }\nbrokers: { main: "${REDIS_URL:?where}" }\n',
    );
    const settings = join(folder.path, "shop/environment");
    const printed = () =>
      runSupervisorCli(target, ["systemd", "--user"], {
        cwd: folder.path,
        env: { XDG_CONFIG_HOME: folder.path },
      });
    const first = await printed();
    expect(first.stderr).toBe(
      `supervisor: ${settings} must set REDIS_URL, START, PORT; it is not there yet\n`,
    );
    expect(first.code).toBe(0);
    folder.write("shop/environment", "# where\nSTART=100s\nPORT='80'\n");
    const second = await printed();
    expect(second.stderr).toContain("must set REDIS_URL, START, PORT; it does not set REDIS_URL yet\n");
    // 100 s to load, 100 s to start, and 5 s.
    expect(second.stdout).toContain("TimeoutStartSec=205\n");
    folder.write("shop/environment", "START=100s\nPORT=80\nREDIS_URL=redis://127.0.0.1\n");
    expect((await printed()).stderr).toBe(`supervisor: ${settings} sets REDIS_URL, START, PORT\n`);
  });

  test("tells a user where the unit of that user reads credentials, whatever XDG_CONFIG_HOME says", async () => {
    using folder = project('  a: { module: ./a.ts, config: { key: "${credential:key}" } }\n');
    const install = (XDG_CONFIG_HOME: string) =>
      runSupervisorCli(target, ["systemd", "--user", "--install"], {
        cwd: folder.path,
        env: { XDG_CONFIG_HOME, HOME: folder.path, DENO_DIR: process.env.DENO_DIR },
      });
    for (const wrong of ["", "relative"]) {
      const { stdout, stderr } = await install(wrong);
      expect(stderr).toContain(`is read from ${folder.path}/.config/shop/key, which is not there yet\n`);
      expect(stdout).toContain(`wrote ${folder.path}/.config/systemd/user/shop.service\n`);
    }
    const set = await install(folder.path);
    expect(set.stderr).toContain(`is read from ${folder.path}/shop/key, `);
  });

  const elsewhere = tmpdir().startsWith("/tmp") ? "" : " (skipped: temporary folders are not in /tmp here)";
  test.skipIf(elsewhere !== "")(`warns of a folder that the unit cannot see${elsewhere}`, async () => {
    using folder = project("  a: { module: ./a.ts }\n");
    const { stderr } = await runSupervisorCli(target, ["systemd"], { cwd: folder.path });
    expect(stderr).toContain("is in a folder of which the unit has an empty one for itself");
  });

  test("warns of a socket where the unit may not write, and refuses one that goes with the service", async () => {
    using folder = project("  a: { module: ./a.ts, http: { unix: /srv/shop/a.sock } }\n");
    const own = await runSupervisorCli(target, ["systemd"], { cwd: folder.path });
    expect(own.code).toBe(0);
    expect(own.stderr).toContain(
      "the socket /srv/shop/a.sock is where the unit may not write: write ${RUNTIME_DIRECTORY:-./run}/a.sock\n",
    );
    folder.write(
      "services.yaml",
      "name: shop\nadmin: { listen: unix:/srv/shop/admin.sock }\nservices: { a: { module: ./a.ts, http: { listen: systemd:web, unix: /run/shop/web.sock } } }\n",
    );
    const passed = await runSupervisorCli(target, ["systemd"], { cwd: folder.path });
    expect(passed.code).toBe(64);
    expect(passed.stderr).toContain("The socket /run/shop/web.sock would be gone after the first restart");
    const user = await runSupervisorCli(target, ["systemd", "--user"], { cwd: folder.path });
    expect(user.code).toBe(0);
  });

  test("refuses a socket of which nobody says where it is, and both scopes at once", async () => {
    using folder = project("  a: { module: ./a.ts, http: { listen: systemd:web } }\n");
    const placeless = await runSupervisorCli(target, ["systemd"], { cwd: folder.path });
    expect(placeless.code).toBe(64);
    expect(placeless.stderr).toContain('does not say where the socket "web" listens');
    const both = await runSupervisorCli(target, ["systemd", "--user", "--system"], { cwd: folder.path });
    expect(both.code).toBe(64);
    expect(existsSync(join(folder.path, "shop.service"))).toBe(false);
  });
});

describeTargets("a socket of systemd, without systemd", (target) => {
  test("is an error that says what to do, for a service as for admin", async () => {
    using folder = project("  a: { module: ./a.ts, http: { listen: systemd:web, port: 8080 } }\n");
    folder.write("a.ts", "export default { fetch: () => new Response() };");
    const service = await runSupervisorCli(target, ["run"], { cwd: folder.path });
    expect(service.code).toBe(78);
    expect(service.stderr).toContain("SOCKET_NOT_PASSED");
    expect(service.stderr).toContain(
      'Cannot listen on systemd:web for service "a": systemd has not started this process',
    );
    folder.write(
      "services.yaml",
      "name: shop\nadmin: { listen: systemd:ops }\nservices: { a: { module: ./a.ts } }\n",
    );
    const admin = await runSupervisorCli(target, ["run"], { cwd: folder.path });
    expect(admin.stderr).toContain("Cannot listen on systemd:ops for the admin listener");
    expect(admin.code).toBe(78);
  });
});
