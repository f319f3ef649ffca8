import { describe, expect, test } from "bun:test";
import { createBeacon } from "../../src/core/beacon.ts";
import type { SupervisorError } from "../../src/core/errors.ts";
import type { BindOptions } from "../../src/http/bind.ts";
import { assertBound, isSameAddress, prepareBinding } from "../../src/http/bind.ts";
import { createHttpPlane } from "../../src/http/http-plane.ts";
import type { NativeAddress, NativeServer, Runtime } from "../../src/runtime/runtime.ts";
import { httpPlan } from "../contract/http-setup.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("binding", () => {
  test("ADDRESS_FORBIDDEN names the capability when the port is privileged", async () => {
    const error = await failureOf(fakeRuntime({ code: "EACCES" }), { tag: "tcp", host: "0.0.0.0", port: 80 });
    expect(error.code).toBe("ADDRESS_FORBIDDEN");
    expect(error.message).toBe('Cannot listen on 0.0.0.0:80 for services "a", "b": permission denied');
    expect(error.hint).toContain("CAP_NET_BIND_SERVICE");
    expect(error.hint).toContain("services.a.http.port");
  });

  test("ADDRESS_UNAVAILABLE, and nothing left bound, when the runtime listens somewhere else", async () => {
    const runtime = fakeRuntime({ bound: { tag: "tcp", host: "0.0.0.0", port: 3000 } });
    const plane = createHttpPlane({
      runtime,
      clock: new FakeClock(),
      beacon: createBeacon(),
      streamsTimeout: 1_000,
      services: [{ name: "a", http: httpPlan({ address: { tag: "tcp", host: "127.0.0.1", port: 8080 } }) }],
      onListening: () => expect.unreachable(),
    });
    await expect(plane.bind()).rejects.toMatchObject({
      problems: [{ code: "ADDRESS_UNAVAILABLE", message: expect.stringContaining("0.0.0.0:3000 instead") }],
    });
    expect(runtime.kills).toBe(1);
  });

  test("other words of the system are passed on as ADDRESS_UNAVAILABLE", async () => {
    const error = await failureOf(fakeRuntime({ code: "ENAMETOOLONG" }), { tag: "tcp", host: "x", port: 1 });
    expect(error.code).toBe("ADDRESS_UNAVAILABLE");
    expect(error.message).toContain("the system says ENAMETOOLONG");
  });

  test("BAD_TLS when services of one address name different certificates", async () => {
    const plans = [httpPlan({ tls: { cert: "/a.pem", key: "/a.key" } }), httpPlan()];
    const entries = plans.map((plan, index) => ({ door: { service: `s${index}` }, plan }));
    const binding = bindNative({ runtime: fakeRuntime({}), entries, fetch: () => new Response() });
    await expect(binding).rejects.toMatchObject({ code: "BAD_TLS" });
  });

  test("the longest idle timeout of the services holds for the address, and never is the longest", async () => {
    const idle = async (...timeouts: number[]) => {
      const runtime = fakeRuntime({});
      const entries = timeouts.map((idleTimeout) => ({
        door: { service: "s" },
        plan: httpPlan({ limits: { idleTimeout } }),
      }));
      await bindNative({ runtime, entries, fetch: () => new Response() });
      return runtime.idleTimeout;
    };
    expect(await idle(1_000, 5_000)).toBe(5_000);
    expect(await idle(1_000, 0)).toBe(0);
  });
});

describe("isSameAddress()", () => {
  const tcp = (host: string, port: number): NativeAddress => ({ tag: "tcp", host, port });
  const cases: [asked: NativeAddress, bound: NativeAddress, expected: boolean][] = [
    [tcp("127.0.0.1", 80), tcp("127.0.0.1", 80), true],
    [tcp("127.0.0.1", 0), tcp("127.0.0.1", 4711), true],
    [tcp("127.0.0.1", 80), tcp("127.0.0.1", 81), false],
    [tcp("127.0.0.1", 80), tcp("0.0.0.0", 80), false],
    [tcp("0:0:0:0:0:0:0:1", 80), tcp("::1", 80), true],
    [tcp("::", 80), tcp("::1", 80), false],
    [tcp("localhost", 80), tcp("127.0.0.1", 80), true],
    [tcp("localhost", 80), tcp("::", 80), false],
    [{ tag: "unix", path: "/a" }, { tag: "unix", path: "/a" }, true],
    [{ tag: "unix", path: "/a" }, { tag: "unix", path: "/b" }, false],
    [{ tag: "unix", path: "/a" }, tcp("127.0.0.1", 80), false],
  ];
  for (const [asked, bound, expected] of cases) {
    test(`${JSON.stringify(asked)} is ${expected ? "" : "not "}${JSON.stringify(bound)}`, () => {
      expect(isSameAddress(asked, bound)).toBe(expected);
    });
  }
});

/** As the plane does: prepares, binds, and looks where. */
async function bindNative(options: BindOptions): Promise<NativeServer> {
  const native = prepareBinding(options).bind();
  assertBound(options, native);
  return native;
}

type FakeRuntime = Runtime & { kills: number; idleTimeout: number };

/** Binds `bound`, or what was asked for, or fails with `code`. */
function fakeRuntime({ code, bound }: { code?: string; bound?: NativeAddress }): FakeRuntime {
  const fake = {
    kills: 0,
    idleTimeout: -1,
    prepareServer({ address, idleTimeout }: { address: NativeAddress; idleTimeout: number }) {
      return () => {
        if (code) throw Object.assign(new Error(`the system says ${code}`), { code });
        fake.idleTimeout = idleTimeout;
        const kill = async () => void fake.kills++;
        return { address: bound ?? address, kill } as Partial<NativeServer> as NativeServer;
      };
    },
  };
  return fake as Partial<FakeRuntime> as FakeRuntime;
}

async function failureOf(runtime: Runtime, address: NativeAddress): Promise<SupervisorError> {
  const entries = ["a", "b"].map((service) => ({ door: { service }, plan: httpPlan({ address }) }));
  const binding = bindNative({ runtime, entries, fetch: () => new Response() });
  return binding.then(
    () => expect.unreachable(),
    (error) => error as SupervisorError,
  );
}
