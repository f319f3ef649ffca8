import { describe, expect, test } from "bun:test";
import type { ServiceSnapshot, ServiceState } from "../../src/core/snapshot.ts";
import type { Sight } from "../../src/systemd/notices.ts";
import { createNotices } from "../../src/systemd/notices.ts";

const service = (
  name: string,
  state: ServiceState,
  over: Partial<ServiceSnapshot> = {},
): ServiceSnapshot => ({
  name,
  state,
  generation: 1,
  critical: true,
  since: 0,
  failures: 0,
  ...over,
});

const sight = (over: Partial<Sight> = {}): Sight => ({
  now: 0,
  services: [service("api", "ready")],
  retries: { api: 2 },
  isListening: true,
  hasTurned: true,
  isFrozen: false,
  ...over,
});

const stop = { cause: { tag: "signal", signal: "SIGTERM" }, endsAt: 20_000 } as const;

describe("createNotices() says READY=1", () => {
  test("once, when every critical service is ready, whatever the others do", () => {
    const notices = createNotices(undefined);
    const extra = service("extra", "quarantined", { critical: false, reason: "no disk" });
    expect(notices.look(sight({ services: [service("api", "starting"), extra] }))).toEqual([
      "EXTEND_TIMEOUT_USEC=5000000\nSTATUS=Starting: 0/2 services ready; extra quarantined (no disk)",
    ]);
    expect(notices.look(sight({ services: [service("api", "ready"), extra] }))).toEqual([
      "READY=1\nSTATUS=1/2 services ready; extra quarantined (no disk)",
    ]);
    expect(notices.look(sight({ services: [service("api", "ready"), extra] }))).toEqual([]);
  });

  test("not before the admin listener is bound", () => {
    const notices = createNotices(undefined);
    expect(notices.look(sight({ isListening: false }))).toEqual(["STATUS=Starting: 1/1 services ready"]);
    expect(notices.look(sight())).toEqual(["READY=1\nSTATUS=1/1 services ready"]);
  });

  test("when nothing is critical as soon as nobody is on the way any more", () => {
    const notices = createNotices(undefined);
    const late = (state: ServiceState) => [service("a", state, { critical: false })];
    expect(notices.look(sight({ services: late("starting") }))[0]).not.toContain("READY=1");
    expect(notices.look(sight({ services: late("backoff") }))[0]).toContain("READY=1");
  });

  test("never for a group that stops before it is ready", () => {
    const notices = createNotices(undefined);
    expect(notices.look(sight({ stop })).join()).not.toContain("READY=1");
  });
});

describe("createNotices() says WATCHDOG=1", () => {
  test("thrice within the time that systemd gives, and only while the main loop turns", () => {
    const notices = createNotices(3_000);
    const alive = (now: number, hasTurned = true) =>
      notices.look(sight({ now, hasTurned })).join().includes("WATCHDOG=1");
    expect(alive(0)).toBe(true);
    expect(alive(900)).toBe(false);
    expect(alive(1_000)).toBe(true);
    expect(alive(2_000, false)).toBe(false);
    expect(alive(9_000, false)).toBe(false);
    expect(alive(9_100)).toBe(true);
  });

  test("also when a service is unwell: its own restart policy is for that", () => {
    const notices = createNotices(3_000);
    const texts = notices.look(sight({ services: [service("api", "unhealthy")] }));
    expect(texts.join()).toContain("WATCHDOG=1");
  });

  test("never where systemd asks for none", () => {
    expect(createNotices(undefined).look(sight()).join()).not.toContain("WATCHDOG");
  });
});

describe("createNotices() in a stop", () => {
  test("says STOPPING=1 once, and pushes systemd's limit on every second", () => {
    const notices = createNotices(undefined);
    const services = [service("db", "ready"), service("api", "stopping")];
    const at = (now: number) => notices.look(sight({ now, stop, services })).join("\n");
    expect(at(0)).toBe(
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=5000000\nSTATUS=Stopping: 0/2 services stopped; waiting for api",
    );
    expect(at(900)).toBe("");
    expect(at(1_000)).toBe("EXTEND_TIMEOUT_USEC=5000000");
    expect(at(18_000)).toBe("EXTEND_TIMEOUT_USEC=3000000");
  });

  test("no longer pushes it on once the budget is over, or while the main loop is frozen", () => {
    const notices = createNotices(undefined);
    const extends_ = (now: number, isFrozen = false) =>
      notices.look(sight({ now, stop, isFrozen })).join().includes("EXTEND_TIMEOUT");
    expect(extends_(0)).toBe(true);
    expect(extends_(5_000, true)).toBe(false);
    expect(extends_(6_000)).toBe(true);
    expect(extends_(20_000)).toBe(false);
  });

  test("that a failure has caused tells which, with an ERRNO", () => {
    const cause = { tag: "failure", service: "db", message: "no\nroute" } as const;
    const [text] = createNotices(undefined).look(sight({ stop: { cause, endsAt: 1_000 } }));
    expect(text).toContain("ERRNO=5");
    expect(text).toContain('STATUS=Failed: service "db": no route; 0/1 services stopped');
  });

  test("that cuts a start short keeps the reason why a service has failed in it", () => {
    const notices = createNotices(undefined);
    const db = (state: ServiceState, reason?: string) => [
      service("extra", "backoff", { critical: false, reason: "no disk" }),
      service("db", state, reason === undefined ? {} : { reason }),
    ];
    notices.look(sight({ services: db("stopping", "not ready within 3s") }));
    notices.look(sight({ services: db("starting") }));
    expect(notices.look(sight({ services: db("stopping"), stop }))[0]).toContain(
      'ERRNO=5\nEXTEND_TIMEOUT_USEC=5000000\nSTATUS=Failed: service "db": not ready within 3s; 1/2 services stopped; waiting for db',
    );
    expect(notices.look(sight({ services: db("stopped"), stop }))).toEqual([
      'STATUS=Failed: service "db": not ready within 3s; 2/2 services stopped',
    ]);
  });

  test("after a start that went well in the end has nothing to tell of its failures", () => {
    const notices = createNotices(undefined);
    notices.look(sight({ services: [service("api", "backoff", { reason: "no route" })] }));
    notices.look(sight());
    expect(notices.look(sight({ stop }))[0]).toContain("STATUS=Stopping: 0/1 services stopped");
  });

  test("ending() tells why the process is killed, and nothing takes its place", () => {
    const notices = createNotices(undefined);
    expect(notices.ending("the stop took too long;\nnot stopped: api")).toEqual([
      "STATUS=the stop took too long; not stopped: api\nERRNO=62",
    ]);
    expect(notices.look(sight({ services: [service("api", "starting")] })).join()).not.toContain("STATUS");
  });
});

describe("createNotices() in a start pushes systemd's limit on", () => {
  const extends_ = (over: Partial<Sight>) =>
    createNotices(undefined).look(sight(over)).join().includes("EXTEND_TIMEOUT_USEC=5000000");

  test("every second while a service is tried within its restart limit", () => {
    const notices = createNotices(undefined);
    const at = (now: number, state: ServiceState, failures: number) =>
      notices
        .look(sight({ now, services: [service("api", state, { failures })] }))
        .join()
        .includes("EXTEND_TIMEOUT_USEC=5000000");
    expect(at(0, "loading", 0)).toBe(true);
    expect(at(900, "starting", 0)).toBe(false);
    expect(at(1_000, "backoff", 1)).toBe(true);
    expect(at(2_000, "starting", 2)).toBe(true);
    expect(at(3_000, "starting", 3)).toBe(false);
  });

  test("but not for who waits or is given up for now, while main is frozen, or once it is ready", () => {
    const one = (state: ServiceState, over: Partial<ServiceSnapshot> = {}) => ({
      services: [service("api", state, over)],
    });
    expect(extends_(one("pending", { generation: 0 }))).toBe(true);
    expect(extends_(one("pending", { reason: "waits for db" }))).toBe(false);
    expect(extends_(one("quarantined"))).toBe(false);
    expect(extends_({ ...one("starting"), isFrozen: true })).toBe(false);
    expect(extends_(one("ready"))).toBe(false);
  });
});

describe("createNotices() in a reload", () => {
  test("says RELOADING=1 with systemd's clock, then READY=1", () => {
    const notices = createNotices(undefined);
    notices.look(sight());
    expect(notices.reloading(1_234_567n)).toEqual(["RELOADING=1\nMONOTONIC_USEC=1234567"]);
    expect(notices.look(sight())).toEqual(["STATUS=Reloading: 1/1 services ready"]);
    expect(notices.reloaded(undefined)).toEqual(["READY=1"]);
    expect(notices.look(sight())).toEqual(["STATUS=1/1 services ready"]);
  });

  test("says READY=1 when the last of several has ended, and why one changed nothing", () => {
    const notices = createNotices(undefined);
    notices.look(sight());
    notices.reloading(1n);
    notices.reloading(2n);
    expect(notices.reloaded(undefined)).toEqual([]);
    expect(notices.reloaded("line 3 is wrong")).toEqual(["READY=1"]);
    expect(notices.look(sight())).toEqual([
      "STATUS=1/1 services ready; the last reload failed: line 3 is wrong",
    ]);
  });

  test("says nothing of it before it is ready", () => {
    const notices = createNotices(undefined);
    expect([...notices.reloading(1n), ...notices.reloaded(undefined)]).toEqual([]);
  });
});
