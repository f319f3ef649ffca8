import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { ServicePlan } from "../../src/core/plan.ts";
import { checkKubernetes } from "../../src/doctor/check-kubernetes.ts";
import { checkOpenFiles } from "../../src/doctor/check-open-files.ts";
import { checkPermissions } from "../../src/doctor/check-permissions.ts";
import { checkPorts } from "../../src/doctor/check-ports.ts";
import { checkSystemd, parseTimeSpan, unitOf } from "../../src/doctor/check-systemd.ts";
import { listenersIn } from "../../src/doctor/machine.ts";
import { briefly, freeMachine, oneService, subjectOf } from "../support/doctor-subject.ts";
import { tempDir } from "../support/temp-dir.ts";

const inUse = () => {
  throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
};
const isRoot = process.getuid?.() === 0;

test("checkPorts() names who has a port, but for the supervisor that runs this file", async () => {
  using folder = tempDir({ "services.yaml": oneService, "api.ts": "" });
  const machine = freeMachine({ probe: inUse, ownerOf: () => ({ name: "nginx", pid: 42 }) });
  const subject = await subjectOf(folder, { machine });
  const findings = await checkPorts(subject);
  expect(briefly(findings)).toEqual(["error PORT_IN_USE 4:42 8080"]);
  expect(findings[0]?.message).toBe("127.0.0.1:8080 is in use by nginx (pid 42)");
  expect(findings[0]?.remedy).toContain("services.api.http.port");
  expect(await checkPorts({ ...subject, runningPid: 42 })).toEqual([]);
  expect(await checkPorts({ ...subject, machine: freeMachine() })).toEqual([]);
});

test("checkPorts() asks for a capability below the first free port, 1024 unless the kernel says otherwise", async () => {
  using folder = tempDir({ "services.yaml": oneService.replace("8080", "80"), "api.ts": "" });
  const subject = await subjectOf(folder);
  const on = (files: Record<string, string>, uid = 1_000) =>
    checkPorts({ ...subject, machine: freeMachine({ uid, read: (path) => files[path] }) });
  const status = "/proc/self/status";
  const start = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  expect(briefly(await on({}))).toEqual(["error PORT_PRIVILEGED 4:42 80"]);
  expect(await on({}, 0)).toEqual([]);
  expect(await on({ [status]: "CapEff:\t0000000000000400\n" })).toEqual([]);
  expect(await on({ [status]: "CapEff:\t0000000000000000\n" }, 0)).toHaveLength(1);
  expect(await on({ [start]: "80\n" })).toEqual([]);
});

test("checkPorts() finds who listens on a unix socket, and takes a file that nobody listens on for none", async () => {
  using folder = tempDir({
    "services.yaml": oneService.replace("port: 8080", "unix: ./api.sock"),
    "api.ts": "",
  });
  const subject = await subjectOf(folder);
  expect(await checkPorts(subject)).toEqual([]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder.path, "api.sock"), resolve));
  expect(briefly(await checkPorts(subject))).toEqual(["error PORT_IN_USE 4:42 ./api.sock"]);
  await new Promise((resolve) => server.close(resolve));
});

test("listenersIn() takes the inodes of listening sockets of one port", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100",
    "   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100",
    "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100",
  ].join("\n");
  expect(listenersIn(table, 8_080)).toEqual(["111"]);
});

test.skipIf(isRoot)(
  `checkPermissions() finds files that this user cannot read${isRoot ? " (skipped: root may read all)" : ""}`,
  async () => {
    using folder = tempDir({ "services.yaml": oneService, "api.ts": "" });
    chmodSync(join(folder.path, "api.ts"), 0);
    expect(briefly(checkPermissions(await subjectOf(folder)))).toEqual(["error UNREADABLE 4:18 ./api.ts"]);
  },
);

test("checkPermissions() finds private keys and written secrets that everybody can read, and shows none", async () => {
  using folder = tempDir({
    "services.yaml":
      "name: test\nadmin: false\nservices:\n  api:\n    module: ./api.ts\n    env: { API_TOKEN: hunter2hunter2 }\n    http: { port: 8443, tls: { cert: ./cert.pem, key: ./key.pem } }\n",
    "api.ts": "",
    "cert.pem": "",
    "key.pem": "",
  });
  const subject = await subjectOf(folder);
  chmodSync(join(folder.path, "key.pem"), 0o644);
  chmodSync(join(folder.path, "services.yaml"), 0o644);
  const findings = checkPermissions(subject);
  expect(briefly(findings)).toEqual(["warn SECRET_READABLE 7:55 ./key.pem", "warn SECRET_READABLE 6:23 "]);
  expect(JSON.stringify(findings)).not.toContain("hunter2");
  chmodSync(join(folder.path, "key.pem"), 0o640);
  chmodSync(join(folder.path, "services.yaml"), 0o640);
  expect(checkPermissions(subject)).toEqual([]);
});

test("checkPermissions() finds a socket without a folder, or in one that may not be written to", async () => {
  using folder = tempDir({
    "services.yaml": oneService.replace("port: 8080", "unix: ./run/api.sock"),
    "api.ts": "",
  });
  const subject = await subjectOf(folder);
  expect(briefly(checkPermissions(subject))).toEqual(["error SOCKET_FOLDER 4:42 ./run/api.sock"]);
  folder.write("run/other", "");
  expect(checkPermissions(subject)).toEqual([]);
  chmodSync(join(folder.path, "run"), 0o500);
  const findings = checkPermissions(subject);
  // Otherwise nobody could remove it.
  chmodSync(join(folder.path, "run"), 0o700);
  expect(briefly(findings)).toEqual(isRoot ? [] : ["error SOCKET_FOLDER 4:42 ./run/api.sock"]);
});

test("checkSystemd() compares the unit's time limit with the budget, and is silent outside of a unit", async () => {
  using folder = tempDir({
    "services.yaml": `shutdown: { timeout: 90s }\n${oneService}`,
    "api.ts": "",
  });
  const subject = await subjectOf(folder);
  const asked: string[] = [];
  const inUnit = (shown: string | undefined, cgroup = "0::/system.slice/shop.service\n") =>
    checkSystemd({
      ...subject,
      machine: freeMachine({
        variables: { INVOCATION_ID: "1" },
        read: (path) => (path === "/proc/self/cgroup" ? cgroup : undefined),
        output: (command, args) => {
          asked.push([command, ...args].join(" "));
          return shown;
        },
      }),
    });
  expect(checkSystemd(subject)).toEqual([]);
  const findings = inUnit("TimeoutStopUSec=1min 30s\n");
  expect(briefly(findings)).toEqual(["warn SYSTEMD_TIMEOUT 1:22 90s"]);
  expect(findings[0]?.remedy).toContain("TimeoutStopSec=95");
  expect(asked).toEqual(["systemctl show shop.service --property=TimeoutStopUSec"]);
  expect(inUnit("TimeoutStopUSec=2min\n")).toEqual([]);
  expect(inUnit("TimeoutStopUSec=infinity\n")).toEqual([]);
  expect(inUnit(undefined)).toEqual([]);
  expect(inUnit("TimeoutStopUSec=1s\n", "0::/init.scope\n")).toEqual([]);
});

test("unitOf() takes the innermost service and whose it is; parseTimeSpan() reads systemd's words", () => {
  expect(unitOf("12:cpu:/x\n1:name=systemd:/system.slice/a.service\n")).toEqual({
    name: "a.service",
    user: false,
  });
  const mine = "0::/user.slice/user-1.slice/user@1.service/app.slice/b.service\n";
  expect(unitOf(mine)).toEqual({ name: "b.service", user: true });
  expect(parseTimeSpan("1min 30s")).toBe(90_000);
  expect(parseTimeSpan("1h 500ms")).toBe(3_600_500);
  expect(parseTimeSpan("infinity")).toBeUndefined();
});

test("checkKubernetes() says what to write, and warns where the default is too short", async () => {
  using folder = tempDir({
    "services.yaml": `shutdown: { timeout: 20s, delay: 5s }\n${oneService}`,
    "api.ts": "",
  });
  const machine = freeMachine({ variables: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } });
  const subject = await subjectOf(folder, { machine });
  expect(checkKubernetes({ ...subject, machine: freeMachine() })).toEqual([]);
  const findings = checkKubernetes(subject);
  expect(briefly(findings)).toEqual(["info KUBERNETES_GRACE 1:22 20s"]);
  expect(findings[0]?.remedy).toContain("terminationGracePeriodSeconds: 22");
  const { plan } = subject;
  const longer = { ...plan, shutdown: { ...plan.shutdown, timeout: 30_000, delay: 0 } };
  expect(checkKubernetes({ ...subject, plan: longer }).map(({ level }) => level)).toEqual(["warn", "warn"]);
});

test("checkOpenFiles() compares the limit with the services", async () => {
  using folder = tempDir({ "services.yaml": oneService, "api.ts": "" });
  const subject = await subjectOf(folder);
  const limited = (limit: string, plan = subject.plan) =>
    checkOpenFiles({
      ...subject,
      plan,
      machine: freeMachine({
        read: () => `Limit   Soft Limit  Hard Limit Units\nMax open files            ${limit}  4096 files\n`,
      }),
    });
  expect(limited("1024")).toEqual([]);
  expect(limited("unlimited")).toEqual([]);
  expect(briefly(limited("128"))).toEqual(["warn OPEN_FILES"]);
  expect(briefly(limited("32"))).toEqual(["error OPEN_FILES"]);
  const [service] = subject.plan.services;
  const many = { ...subject.plan, services: Array.from({ length: 1_000 }, () => service as ServicePlan) };
  expect(limited("4096", many)).toEqual([]);
  expect(briefly(limited("3000", many))).toEqual(["warn OPEN_FILES"]);
  expect(checkOpenFiles(subject)).toEqual([]);
});
