import { describe, expect, test } from "bun:test";
import type { ServiceSnapshot, ServiceState } from "../../src/core/snapshot.ts";
import type { HealthView } from "../../src/observe/health.ts";
import { answerHealth } from "../../src/observe/health-answer.ts";

const now = 1_700_000_000_000;

function service(name: string, state: ServiceState, more: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return { name, state, critical: true, generation: 1, since: now - 2_000, failures: 0, ...more };
}

const ready = [service("api", "ready"), service("migrate", "completed")];
const quarantined = service("mailer", "quarantined", {
  critical: false,
  reason: "connection refused\n at x",
  retryAt: now + 5_000,
});

function ask(path: string, view: Partial<HealthView> = {}, accept: string | null = null, method = "GET") {
  const url = new URL(path, "http://127.0.0.1:6060");
  return answerHealth(
    { method, url, accept },
    { name: "shop", services: ready, loop: { frozen: false }, now, ...view },
  );
}

describe("answerHealth", () => {
  test.each(["/livez", "/readyz", "/readyz/api", "/readyz/migrate", "/healthz"])(
    "%s is ok when all is well",
    (path) => {
      const { status, body, headers } = ask(path);
      expect([status, body]).toEqual([200, "ok\n"]);
      expect(headers).toMatchObject({
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
      });
    },
  );

  test("?verbose lists every check", () => {
    expect(ask("/readyz?verbose").body).toBe(
      "[+]event-loop ok\n[+]api ok\n[+]migrate ok\nreadyz check passed\n",
    );
  });

  test("a critical service that is not ready fails /readyz and /healthz, in full even without ?verbose", () => {
    const services = [service("api", "backoff", { reason: "no database", retryAt: now + 400 })];
    for (const route of ["readyz", "healthz"]) {
      const { status, body } = ask(`/${route}`, { services });
      expect(status).toBe(503);
      expect(body).toBe(
        `[+]event-loop ok\n[-]api failed: backoff since 2s: no database; next try in 400ms\n${route} check failed\n`,
      );
    }
    expect(ask("/livez", { services }).status).toBe(200);
  });

  test("one that is not critical only warns: /healthz tells it, /readyz does not mind, its own route fails", () => {
    const services = [...ready, quarantined];
    expect(ask("/readyz", { services })).toMatchObject({ status: 200, body: "ok\n" });
    const { status, body } = ask("/healthz", { services });
    expect(status).toBe(200);
    expect(body).toContain("[!]mailer warning: quarantined since 2s: connection refused; next try in 5s\n");
    expect(body).toEndWith("healthz check passed\n");
    expect(ask("/readyz/mailer", { services }).status).toBe(503);
  });

  test("a frozen loop fails everything and is named", () => {
    const loop = { frozen: true, forMs: 2_100, service: "api", certain: true } as const;
    for (const path of ["/livez", "/readyz", "/readyz/api", "/healthz"]) {
      const { status, body } = ask(path, { loop });
      expect(status).toBe(503);
      expect(body).toContain('[-]event-loop failed: service "api" blocks the event loop since 2.1s\n');
    }
  });

  test("a stop fails readiness from its begin, not liveness", () => {
    const stopping = { cause: { tag: "signal", signal: "SIGTERM" }, since: now - 1_000 } as const;
    const { status, body } = ask("/readyz", { stopping });
    expect(status).toBe(503);
    expect(body).toContain("[-]shutdown failed: stopping since 1s (SIGTERM)\n");
    expect(ask("/readyz/api", { stopping }).status).toBe(503);
    expect(ask("/livez", { stopping }).status).toBe(200);
  });

  test("?exclude leaves checks out", () => {
    const services = [service("api", "failed"), service("web", "failed"), service("db", "ready")];
    const one = ask("/readyz?exclude=api", { services });
    expect(one.status).toBe(503);
    const { status, body } = ask("/readyz?exclude=api&exclude=web&verbose", { services });
    expect(status).toBe(200);
    expect(body).toContain("[+]api excluded: ok\n[+]web excluded: ok\n[+]db ok\n");
    expect(body).not.toContain("warn:");
  });

  test("?exclude of what does not exist is told in text, verbose or not, and in JSON; the status stays", () => {
    const failing = [service("api", "failed"), service("web", "ready")];
    const note = 'some health checks cannot be excluded: no matches for "apo", "nope"';
    const path = "/readyz?exclude=apo&exclude=nope&exclude=web";
    expect(ask(path)).toMatchObject({
      status: 200,
      body: `ok\nwarn: some health checks cannot be excluded: no matches for "apo", "nope", "web"\n`,
    });
    const { status, body } = ask(path, { services: failing });
    expect(status).toBe(503);
    expect(body).toContain(`\nwarn: ${note}\nreadyz check failed\n`);
    expect(ask(`${path}&verbose`, { services: failing.slice(1) }).body).toContain(`\nwarn: ${note}\n`);
    const json = ask(path, { services: failing }, "application/json");
    expect(json.status).toBe(503);
    expect(JSON.parse(json.body).notes).toEqual([note]);
    expect(JSON.parse(ask("/readyz", {}, "application/json").body).notes).toBeUndefined();
  });

  test("?exclude=shutdown is no mistake before there is a stop", () => {
    expect(ask("/readyz?exclude=shutdown").body).toBe("ok\n");
  });

  test("no service at all is well", () => {
    expect(ask("/healthz", { services: [] }).status).toBe(200);
  });

  test.each([
    ["application/health+json", "application/health+json"],
    ["text/html, application/json;q=0.9", "application/json"],
  ])("answers JSON to Accept: %s", (accept, type) => {
    const { status, headers, body } = ask("/healthz", { services: [...ready, quarantined] }, accept);
    expect([status, headers["content-type"]]).toEqual([200, type]);
    expect(JSON.parse(body)).toMatchObject({
      status: "warn",
      serviceId: "shop",
      checks: {
        "event-loop:responsiveness": [{ status: "pass", observedValue: 0, observedUnit: "ms" }],
        "api:state": [{ status: "pass", observedValue: "ready", time: new Date(now - 2_000).toISOString() }],
        "mailer:state": [{ status: "warn", observedValue: "quarantined", output: expect.any(String) }],
      },
    });
  });

  test("an unknown service is 404 with the nearest name", () => {
    const { status, body } = ask("/readyz/migrat");
    expect([status, body]).toEqual([404, 'no service "migrat"; did you mean "migrate"?\n']);
    expect(ask("/readyz/zzz").body).toBe('no service "zzz"; known services: api, migrate\n');
  });

  test("a name in the path may be percent-encoded, and broken encoding is no crash", () => {
    expect(ask("/readyz/my%20api", { services: [service("my api", "ready")] }).status).toBe(200);
    expect(ask("/readyz/%E0%A4%A").status).toBe(404);
  });

  test.each(["/nope", "/readyz/", "/readyz/a/b", "/healthz/api", "/livez/"])(
    "%s is 404 and lists what there is",
    (path) => {
      const { status, body } = ask(path);
      expect(status).toBe(404);
      expect(body).toContain("/healthz");
    },
  );

  test("/ lists what there is", () => {
    const { status, body } = ask("/");
    expect(status).toBe(200);
    expect(body).toStartWith("shop");
    expect(body).toContain("/readyz/NAME");
  });

  test("HEAD is answered, other methods are 405 with Allow", () => {
    expect(ask("/livez", {}, null, "HEAD").status).toBe(200);
    const { status, headers } = ask("/livez", {}, null, "POST");
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
  });
});
