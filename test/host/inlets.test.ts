import { describe, expect, test } from "bun:test";
import { PermanentError } from "../../src/core/errors.ts";
import { createInlets } from "../../src/host/inlets.ts";
import type { Service } from "../../src/service/contract.ts";
import type { Intake, IntakeHeld, IntakeTarget, Lease } from "../../src/service/intake.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const target = {} as IntakeTarget;
const worker: Service = { consume() {} };

interface Fake {
  readonly lack?: string;
  readonly join?: Promise<void>;
  readonly drained?: Promise<void>;
  readonly held?: Partial<IntakeHeld>;
  readonly needsFetch?: boolean;
  readonly cutStreams?: number;
  readonly ended?: Lease["ended"];
}

/** An intake that calls other functions than fetch unless it `needsFetch`, and writes down what it is told. */
function fake(name: string, seen: string[], options: Fake = {}): Intake {
  const { lack, join, drained, held, needsFetch, cutStreams = 0, ended } = options;
  const note = (what: string) => () => void seen.push(`${name} ${what}`);
  return {
    needsFetch: needsFetch ?? false,
    ...(needsFetch === undefined ? { lacks: () => lack } : {}),
    ...(join ? { join: () => join } : {}),
    open() {
      seen.push(`${name} open`);
      return {
        cutStreams,
        ...(ended ? { ended } : {}),
        async drain({ final }) {
          seen.push(`${name} drain${final ? " for good" : ""}`);
          await drained;
        },
        cut: note("cut"),
        held: () => ({ requests: 0, streams: 0, websockets: 0, ...held }),
      };
    },
    quiet: note("quiet"),
    pause: note("pause"),
    resume: note("resume"),
    close: note("close"),
  };
}

describe("createInlets()", () => {
  test("assertFits() throws a PermanentError that names the service and what it lacks", () => {
    const inlets = createInlets("mails", [
      fake("a", []),
      fake("b", [], { lack: "has schedule: but no scheduled()" }),
    ]);
    expect(() => inlets.assertFits(worker)).toThrow(
      new PermanentError('Service "mails" has schedule: but no scheduled()'),
    );
  });

  test("open() opens an HTTP intake only for a service with fetch, the others for any", () => {
    const seen: string[] = [];
    createInlets("mails", [fake("http", seen, { needsFetch: false }), fake("queue", seen)]).open(
      worker,
      target,
    );
    expect(seen).toEqual(["queue open"]);
    createInlets("api", [fake("http", seen, { needsFetch: false })]).open(
      { fetch: () => new Response() },
      target,
    );
    expect(seen).toEqual(["queue open", "http open"]);
  });

  test("open() refuses a service with an address and no fetch", () => {
    const inlets = createInlets("api", [fake("http", [], { needsFetch: true })]);
    expect(() => inlets.open(worker, target)).toThrow('Service "api" has http: but no fetch()');
  });

  test("join() waits for all of them, and no longer than its patience", async () => {
    const clock = new FakeClock();
    const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const inlets = createInlets("mails", [
      fake("a", [], { join: one.promise }),
      fake("b", [], { join: other.promise }),
      fake("c", []),
    ]);
    let joined = 0;
    void inlets.join(clock, 1_000)?.then(() => joined++);
    void inlets.join(clock, 5_000)?.then(() => joined++);
    one.resolve();
    await settle();
    expect(joined).toBe(0);
    await clock.tick(1_001);
    expect(joined).toBe(1);
    other.resolve();
    await settle();
    expect(joined).toBe(2);
  });

  test("join() rejects when one of them says that trying again is useless, and is nothing where nobody waits", async () => {
    const wrong = createInlets("mails", [
      fake("a", [], { join: Promise.reject(new PermanentError("no right")) }),
    ]);
    await expect(wrong.join(new FakeClock(), 1_000) as Promise<void>).rejects.toThrow("no right");
    expect(createInlets("api", [fake("a", [])]).join(new FakeClock(), 1_000)).toBeUndefined();
  });

  test("drain() begins with all of them at once and ends with the last", async () => {
    const seen: string[] = [];
    const slow = Promise.withResolvers<void>();
    const inlets = createInlets("mails", [fake("a", seen, { drained: slow.promise }), fake("b", seen)]);
    inlets.open(worker, target);
    let isOver = false;
    void inlets.drain({ final: true }).then(() => {
      isOver = true;
    });
    await settle();
    expect(seen).toEqual(["a open", "b open", "a drain for good", "b drain for good"]);
    expect(isOver).toBe(false);
    slow.resolve();
    await settle();
    expect(isOver).toBe(true);
  });

  test("drain() closes what was never opened, when nothing follows", async () => {
    const seen: string[] = [];
    const inlets = createInlets("mails", [fake("a", seen)]);
    await inlets.drain({ final: false });
    expect(seen).toEqual([]);
    await inlets.drain({ final: true });
    expect(seen).toEqual(["a close"]);
  });

  test("held() and cutStreams are sums, messages and runs only where there are some", () => {
    const seen: string[] = [];
    const inlets = createInlets("mails", [
      fake("a", seen, { held: { requests: 2 }, cutStreams: 1 }),
      fake("b", seen, { held: { requests: 1, messages: 3 }, cutStreams: 2 }),
    ]);
    expect(inlets.held()).toEqual({ requests: 0, streams: 0, websockets: 0 });
    inlets.open(worker, target);
    expect(inlets.held()).toEqual({ requests: 3, streams: 0, websockets: 0, messages: 3 });
    expect(inlets.cutStreams).toBe(3);
  });

  test("ended is a sum, absent where nothing was told to end", () => {
    const inlets = createInlets("mails", [
      fake("a", [], { ended: { streams: 1, websockets: 0 } }),
      fake("b", []),
      fake("c", [], { ended: { streams: 2, websockets: 3 } }),
    ]);
    expect(inlets.ended).toBeUndefined();
    inlets.open(worker, target);
    expect(inlets.ended).toEqual({ streams: 3, websockets: 3 });
    const quiet = createInlets("mails", [fake("a", [], { ended: { streams: 0, websockets: 0 } })]);
    quiet.open(worker, target);
    expect(quiet.ended).toBeUndefined();
  });

  test("quiet(), pause(), resume() and cut() reach all of them", () => {
    const seen: string[] = [];
    const inlets = createInlets("mails", [fake("a", seen), fake("b", seen)]);
    inlets.open(worker, target);
    seen.length = 0;
    for (const verb of ["quiet", "pause", "resume", "cut"] as const) inlets[verb]();
    const both = (verb: string) => [`a ${verb}`, `b ${verb}`];
    expect(seen).toEqual(["quiet", "pause", "resume", "cut"].flatMap(both));
  });
});
