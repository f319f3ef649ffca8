import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readPlan } from "../../src/config/read-plan.ts";
import type { Plan } from "../../src/core/plan.ts";
import { startSeconds, stopSeconds } from "../../src/core/unit-times.ts";
import { homePaths, privatePaths } from "../../src/systemd/hardening.ts";
import { quoted } from "../../src/systemd/quoted.ts";
import type { UnitOptions } from "../../src/systemd/unit.ts";
import { placelessSockets, serviceUnit, socketUnits } from "../../src/systemd/unit.ts";
import { tempDir } from "../support/temp-dir.ts";

async function planOf(yaml: string, variables: Record<string, string> = {}): Promise<Plan> {
  using folder = tempDir({ "services.yaml": `name: shop\n${yaml}`, "a.ts": "" });
  return (await readPlan({ file: join(folder.path, "services.yaml"), variables })).plan;
}

const optionsOf = (plan: Plan, over: Partial<UnitOptions> = {}): UnitOptions => ({
  plan,
  scope: "system",
  version: 252,
  program: ["/opt/supervisor"],
  command: ["/opt/supervisor", "run", "/srv/shop/services.yaml"],
  folder: "/srv/shop",
  credentials: [],
  isDeno: false,
  ...over,
});

const linesOf = async (yaml: string, over: Partial<UnitOptions> = {}) =>
  serviceUnit(optionsOf(await planOf(yaml), over)).split("\n");

const plain = "services: { a: { module: ./a.ts } }\n";

describe("serviceUnit()", () => {
  test("has the time limits of the plan", async () => {
    const lines = await linesOf(
      "shutdown: { timeout: 61500ms }\nservices:\n  a: { module: ./a.ts, start_timeout: 10s }\n  b: { module: ./a.ts, depends_on: a, start_timeout: 20s }\n  c: { module: ./a.ts, depends_on: a }\n",
    );
    expect(lines).toContain("TimeoutStopSec=67");
    // The longest (30 s) to load, then 10 s and 30 s one after the other, and 5 s.
    expect(lines).toContain("TimeoutStartSec=75");
  });

  test("leaves reloads to systemd from 253 on, and before that to a command that waits", async () => {
    expect(await linesOf(plain, { version: 252 })).toContain("ExecReload=/opt/supervisor reload --name shop");
    expect(await linesOf(plain, { version: undefined })).toContain("Type=notify");
    const newer = await linesOf(plain, { version: 257 });
    expect(newer).toContain("Type=notify-reload");
    expect(newer.join("\n")).not.toContain("ExecReload");
  });

  test("never restarts what a restart does not mend, and kills a frozen one at once", async () => {
    const lines = await linesOf(plain);
    for (const line of ["RestartPreventExitStatus=64 78", "KillMode=mixed", "WatchdogSignal=SIGKILL"]) {
      expect(lines).toContain(line);
    }
  });

  test("has room for upgrades in its start limit, and its sockets give up long before that", async () => {
    const yaml = "services: { a: { module: ./a.ts, http: { listen: systemd:web, port: 8080 } } }\n";
    expect(await linesOf(yaml)).toEqual(
      expect.arrayContaining(["StartLimitIntervalSec=600", "StartLimitBurst=20"]),
    );
    const [socket] = socketUnits(await planOf(yaml));
    expect(socket?.text).toContain("TriggerLimitIntervalSec=10s\nTriggerLimitBurst=5\n");
  });

  test("has folders for what is kept and for the control socket, and reads credentials", async () => {
    const lines = await linesOf(plain, { credentials: ["token"] });
    expect(lines).toContain("StateDirectory=shop");
    expect(lines).toContain("RuntimeDirectory=shop");
    expect(lines).toContain("LoadCredential=token:/etc/shop/token");
  });

  test("of a user's session has nothing that takes root, and its control socket where all are", async () => {
    const text = (await linesOf(plain, { scope: "user" })).join("\n");
    expect(text).toContain("WantedBy=default.target");
    for (const word of ["DynamicUser", "ProtectSystem", "RuntimeDirectory", "CapabilityBoundingSet"]) {
      expect(text).not.toContain(word);
    }
  });

  test("lets a low port be bound, and only that", async () => {
    const low = await linesOf("services: { a: { module: ./a.ts, http: { port: 443 } } }\n");
    expect(low).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE");
    expect(low.join("\n")).not.toContain("PrivateUsers");
    expect(await linesOf(plain)).toContain("CapabilityBoundingSet=");
  });

  test("does not forbid the machine code that both runtimes make", async () => {
    expect((await linesOf(plain)).join("\n")).not.toContain("MemoryDenyWriteExecute");
  });
});

describe("socketUnits()", () => {
  test("are one for each name, and say where services.yaml says", async () => {
    const plan = await planOf(
      'admin: { listen: systemd:ops }\nservices:\n  a: { module: ./a.ts, http: { listen: systemd:web, host: "::1", port: 8080 } }\n  b: { module: ./a.ts, http: { listen: systemd:web, host: "::1", port: 8080, path: /b } }\n  c: { module: ./a.ts, http: { listen: systemd:unix, unix: /run/c.sock } }\n',
    );
    const units = socketUnits(plan);
    expect(units.map(({ file }) => file)).toEqual(["shop-web.socket", "shop-unix.socket", "shop-ops.socket"]);
    expect(units.map(({ text }) => /ListenStream=(.*)/.exec(text)?.[1])).toEqual([
      "[::1]:8080",
      "/run/c.sock",
      "127.0.0.1:6060",
    ]);
    expect(units[0]?.text).toContain("FileDescriptorName=web\nService=shop.service\n");
    expect(serviceUnit(optionsOf(plan))).toContain("Requires=shop-web.socket\nAfter=shop-web.socket\n");
  });

  test("say 127.0.0.1 for localhost: systemd resolves no names", async () => {
    const plan = await planOf(
      "services: { a: { module: ./a.ts, http: { listen: systemd:web, host: localhost, port: 8080 } } }\n",
    );
    expect(socketUnits(plan)[0]?.text).toContain("ListenStream=127.0.0.1:8080\n");
  });

  test("placelessSockets() are those of which services.yaml does not say where they are", async () => {
    const plan = await planOf("services: { a: { module: ./a.ts, http: { listen: systemd:web } } }\n");
    expect(placelessSockets(plan)).toEqual(["web"]);
  });
});

test("startSeconds() and stopSeconds() are whole, and above what the plan needs", async () => {
  const plan = await planOf(`shutdown: { timeout: 1100ms }\n${plain}`);
  expect(stopSeconds(plan)).toBe(7);
  expect(startSeconds(plan)).toBe(65);
});

test("homePaths() are what a unit's own user cannot read", async () => {
  const options = optionsOf(await planOf(plain), { folder: "/home/me/shop" });
  expect(homePaths(options)).toEqual(["/home/me/shop"]);
  expect(serviceUnit(options)).toContain("ProtectHome=read-only");
});

test("quoted() keeps a word whole for systemd", () => {
  expect(quoted("/opt/a-b.c")).toBe("/opt/a-b.c");
  expect(quoted("/opt/a b")).toBe('"/opt/a b"');
  expect(quoted('50%"$HOME\\')).toBe('"50%%\\"$$HOME\\\\"');
});

test("the embedded queue is where systemd wants it, and beside services.yaml elsewhere", async () => {
  const yaml = "services: { a: { module: ./a.ts, consume: { queue: q } } }\n";
  const under = await planOf(yaml, { STATE_DIRECTORY: "/var/lib/shop:/var/lib/other" });
  expect(under.brokers?.[0]?.url).toBe("sqlite:/var/lib/shop/queue.db");
  expect((await planOf(yaml)).brokers?.[0]?.url).toMatch(/\/data\/queue\.db$/);
});

test("privatePaths() are what lies below /tmp and /var/tmp, of the program, the file and the modules", async () => {
  const plan = { ...(await planOf(plain)), file: "/tmp/shop/services.yaml" };
  const modules = plan.services.map((service) => ({ ...service, module: "/var/tmp/a.ts" }));
  const options = optionsOf({ ...plan, services: modules }, { folder: "/tmp" });
  expect(privatePaths(options)).toEqual(["/tmp", "/tmp/shop/services.yaml", "/var/tmp/a.ts"]);
  const elsewhere = { ...plan, file: "/srv/tmp/services.yaml", services: [] };
  expect(privatePaths(optionsOf(elsewhere, { folder: "/tmpfs" }))).toEqual([]);
});
