import { describe, expect, test } from "bun:test";
import { createApi } from "../../src/control/api.ts";
import { ApiError } from "../../src/control/api-error.ts";
import type { Entrance } from "../../src/control/guard.ts";
import { createKnown } from "../../src/control/known.ts";
import { openApi } from "../../src/control/openapi.ts";
import type { OperatorData } from "../../src/control/protocol.ts";
import { routes } from "../../src/control/routes.ts";
import { statusSchema } from "../../src/control/schemas.ts";
import { statusOf } from "../../src/control/status.ts";
import { createBeacon } from "../../src/core/beacon.ts";
import type { Command } from "../../src/core/command.ts";
import { createRedactor } from "../../src/observe/redact.ts";

const data: OperatorData = {
  name: "shop",
  file: "services.yaml",
  startedAt: 0,
  admin: false,
  log: { level: "info", format: "json", color: false },
  secrets: [],
  services: [
    { name: "api", critical: true },
    { name: "mail", critical: true },
  ],
  beacon: createBeacon(),
  budgetMs: 1_000,
};
const loopback: Entrance = {
  tag: "admin",
  address: { tag: "tcp", host: "127.0.0.1", port: 6060 },
  readOnly: false,
};
const everywhere = { ...loopback, address: { tag: "tcp", host: "0.0.0.0", port: 6060 } } as const;
const socket: Entrance = { tag: "socket" };

function setUp(send: (command: Command) => Promise<never> | undefined = () => undefined) {
  const sent: Command[] = [];
  const known = createKnown(data, (text) => text);
  const api = createApi({
    known,
    status: () => statusOf({ data, known, longest: () => undefined, now: 5, rssBytes: 1 }),
    redact: (text) => text.replaceAll("hush", "***"),
    async send(command) {
      sent.push(command);
      return (await send(command)) ?? { outcome: "done", steps: [] };
    },
  });
  const ask = async (
    entrance: Entrance,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ) => {
    const request = new Request(`http://x/api/v1${path}`, {
      method,
      headers: { host: "127.0.0.1:6060", ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const response = (await api.answer(request, entrance)) as Response;
    const text = await response.text();
    const value = text.startsWith("{") ? JSON.parse(text.split("\n")[0] as string) : undefined;
    return {
      status: response.status,
      headers: response.headers,
      text,
      code: value?.code as string | undefined,
      value,
    };
  };
  return { api, ask, sent, known };
}

test("GET /status answers with the members that its schema names, reload among them", async () => {
  const { ask, known } = setUp();
  const problem = { code: "UNKNOWN_KEY", message: "no such key", hint: "Mend it." } as const;
  const reload = { at: 4, outcome: "failed", problems: [problem] } as const;
  known.take({ type: "reload", result: "failed", reload });
  const { value } = await ask(socket, "GET", "/status");
  expect(value).toMatchObject({ apiVersion: "v1", reload });
  const names = Object.keys(statusSchema.properties ?? {});
  expect(Object.keys(value).filter((name) => !names.includes(name))).toEqual([]);
  expect(statusSchema.required?.filter((name) => !(name in value))).toEqual([]);
});

describe("the API's guard", () => {
  const token = { ...loopback, token: "correct-horse" };
  const right = { authorization: "Bearer correct-horse" };
  const cases: readonly (readonly [
    string,
    Entrance,
    string,
    Record<string, string>,
    number,
    string | undefined,
  ])[] = [
    ["loopback without a token", loopback, "POST", {}, 200, undefined],
    ["localhost", loopback, "POST", { host: "localhost:6060" }, 200, undefined],
    ["a host of somebody else", loopback, "GET", { host: "evil.example:6060" }, 403, "WRONG_HOST"],
    ["another port", loopback, "GET", { host: "127.0.0.1:7070" }, 403, "WRONG_HOST"],
    ["no host", loopback, "GET", { host: "" }, 403, "WRONG_HOST"],
    ["another address of this machine", loopback, "GET", { host: "10.0.0.1:6060" }, 403, "WRONG_HOST"],
    ["another origin", loopback, "POST", { origin: "http://evil.example" }, 403, "WRONG_ORIGIN"],
    ["the origin null", loopback, "GET", { origin: "null" }, 403, "WRONG_ORIGIN"],
    ["another port's origin", loopback, "POST", { origin: "http://127.0.0.1:3000" }, 403, "WRONG_ORIGIN"],
    ["the same origin", loopback, "POST", { origin: "http://127.0.0.1:6060" }, 200, undefined],
    ["a missing token", token, "POST", {}, 401, "WRONG_TOKEN"],
    ["a missing token for reading", token, "GET", {}, 401, "WRONG_TOKEN"],
    ["a wrong token", token, "POST", { authorization: "Bearer correct-horsf" }, 401, "WRONG_TOKEN"],
    ["a shorter token", token, "POST", { authorization: "Bearer c" }, 401, "WRONG_TOKEN"],
    ["another scheme", token, "POST", { authorization: "Basic correct-horse" }, 401, "WRONG_TOKEN"],
    ["the right token", token, "POST", right, 200, undefined],
    [
      "the right token from another origin",
      token,
      "POST",
      { ...right, origin: "http://e" },
      403,
      "WRONG_ORIGIN",
    ],
    ["every address without a token", everywhere, "POST", {}, 403, "TOKEN_NEEDED"],
    ["every address without a token for reading", everywhere, "GET", {}, 403, "TOKEN_NEEDED"],
    [
      "every address with its token",
      { ...everywhere, token: "correct-horse" },
      "POST",
      right,
      200,
      undefined,
    ],
    [
      "a name on every address",
      { ...everywhere, token: "correct-horse" },
      "POST",
      { ...right, host: "evil.example:6060" },
      403,
      "WRONG_HOST",
    ],
    [
      "an address on every address",
      { ...everywhere, token: "correct-horse" },
      "POST",
      { ...right, host: "10.1.2.3:6060" },
      200,
      undefined,
    ],
    ["read_only for reading", { ...loopback, readOnly: true }, "GET", {}, 200, undefined],
    ["read_only", { ...loopback, readOnly: true }, "POST", {}, 403, "READ_ONLY"],
    ["a form", loopback, "POST", { "content-type": "application/x-www-form-urlencoded" }, 415, "BAD_REQUEST"],
    ["the control socket, whatever the host", socket, "POST", { host: "whatever" }, 200, undefined],
  ];
  for (const [what, entrance, method, headers, status, code] of cases) {
    test(`answers ${status} ${code ?? ""} to ${method} with ${what}`, async () => {
      const { ask, sent } = setUp();
      const path = method === "GET" ? "/status" : "/services/api/stop";
      const answer = await ask(entrance, method, path, headers);
      expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
      expect(sent.length).toBe(method === "POST" && status === 200 ? 1 : 0);
    });
  }
});

describe("createApi()", () => {
  test("answers 404 and 405 with what there is", async () => {
    const { ask } = setUp();
    expect((await ask(socket, "GET", "/nowhere")).code).toBe("NOT_FOUND");
    const wrong = await ask(socket, "DELETE", "/status");
    expect([wrong.status, wrong.code, wrong.headers.get("allow")]).toEqual([
      405,
      "METHOD_NOT_ALLOWED",
      "GET",
    ]);
  });

  test("has a handler for every route of its description", async () => {
    const { paths } = openApi() as { paths: Record<string, Record<string, unknown>> };
    expect(Object.values(paths).flatMap(Object.keys).length).toBe(Object.keys(routes).length);
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        const { ask } = setUp();
        const known = path.slice("/api/v1".length).replace("{name}", "api").replace("{id}", "x");
        const { status } = await ask(socket, method.toUpperCase(), known);
        // These need a body that says what is meant.
        const needsBody =
          method === "post" && (known === "/inject" || known === "/services" || known.startsWith("/tasks"));
        expect([known, status]).toEqual([known, needsBody ? 400 : 200]);
      }
    }
  });

  test("changes nothing of queues on a listener that is read-only, and every route that changes something says so", async () => {
    expect(
      Object.values(routes).filter(({ method, ...route }) => (method === "POST") !== "writes" in route),
    ).toEqual([]);
    for (const path of ["/tasks", "/tasks/delete", "/queues/q/drain", "/schedules/s/run"]) {
      const { ask, sent } = setUp();
      const answer = await ask({ ...loopback, readOnly: true }, "POST", path);
      expect([path, answer.code, sent]).toEqual([path, "READ_ONLY", []]);
    }
  });

  test("answers about queues with the answer itself, and with a status that fits its error", async () => {
    const failing = (code: string) =>
      setUp(
        async () =>
          ({ outcome: "failed", steps: [], problems: [{ code, message: "no", hint: "" }] }) as never,
      );
    for (const [code, status] of [
      ["UNKNOWN_QUEUE", 404],
      ["TASK_INVALID", 400],
      ["TASK_DUPLICATE", 409],
      ["BROKER_UNREACHABLE", 503],
      ["BROKER_REFUSED", 502],
      ["BAD_BROKER", 502],
    ] as const) {
      const answer = await failing(code).ask(socket, "GET", "/queues");
      expect([answer.status, answer.value]).toEqual([status, { code, message: "no", hint: "" }]);
    }
    const { ask, sent } = setUp(
      async () => ({ outcome: "done", steps: [], answer: { queue: "q", paused: true } }) as never,
    );
    expect((await ask(socket, "POST", "/queues/q/pause?broker=b")).value).toEqual({
      queue: "q",
      paused: true,
    });
    expect(sent).toEqual([{ tag: "queues", command: { tag: "pause", queue: "q", broker: "b" } }]);
  });

  test("passes names and globs on, and names a service that does not exist", async () => {
    const { ask, sent } = setUp();
    await ask(socket, "POST", "/services/api,m*/restart");
    expect(sent).toEqual([{ tag: "restart", services: ["api", "m*"] }]);
    const unknown = await ask(socket, "POST", "/services/apii/restart");
    expect([unknown.status, unknown.code, unknown.value.hint]).toEqual([
      404,
      "UNKNOWN_SERVICE",
      'Did you mean "api"?',
    ]);
  });

  test("takes any number of names in a body, and refuses what is no action", async () => {
    const { ask, sent } = setUp();
    const json = { "content-type": "application/json" };
    const services = Array.from({ length: 1_000 }, () => "api");
    const body = JSON.stringify({ action: "restart", services });
    expect((await ask(socket, "POST", "/services", json, body)).status).toBe(200);
    expect(sent).toEqual([{ tag: "restart", services }]);
    for (const wrong of [
      `{"action":"eat","services":["api"]}`,
      `{"action":"stop"}`,
      `{"action":"stop","services":[]}`,
    ]) {
      expect((await ask(socket, "POST", "/services", json, wrong)).status).toBe(400);
    }
  });

  test("names no more than the beginning of a name that nobody has", async () => {
    const { ask } = setUp();
    const body = JSON.stringify({ action: "stop", services: ["x".repeat(100_000)] });
    const unknown = await ask(socket, "POST", "/services", { "content-type": "application/json" }, body);
    expect([unknown.code, unknown.value.message.length < 200]).toEqual(["UNKNOWN_SERVICE", true]);
  });

  test("tells how to send a token in words that stay readable in a log", async () => {
    const { ask } = setUp();
    const { value } = await ask({ ...loopback, token: "correct-horse" }, "GET", "/status");
    expect(createRedactor([]).text(value.hint)).toBe(value.hint);
  });

  test("says why when main does not take a command", async () => {
    const { ask } = setUp(() => Promise.reject(new ApiError(503, "FROZEN", "api holds hush", "Wait.")));
    const answer = await ask(socket, "POST", "/reload");
    expect([answer.status, answer.value.message]).toEqual([503, "api holds ***"]);
  });

  test("refuses bodies that are too large, no JSON, or no request", async () => {
    const { ask, sent } = setUp();
    const json = { "content-type": "application/json" };
    expect((await ask(socket, "POST", "/inject", json, `"${"x".repeat(1_100_000)}"`)).status).toBe(413);
    expect((await ask(socket, "POST", "/inject", json, "{")).status).toBe(400);
    expect(
      (await ask(socket, "POST", "/inject", json, `{"service":"api","method":"GET","path":"x"}`)).status,
    ).toBe(400);
    expect(sent).toEqual([]);
  });

  test("gives the last lines of one service, or of all in their order", async () => {
    const { ask, known } = setUp();
    known.take({ type: "lines", lines: ["api", "1\n", "mail", "2\n", "", "3\n", "api", "4\n"], dropped: 0 });
    expect((await ask(socket, "GET", "/logs?n=3")).text).toBe("2\n3\n4\n");
    expect((await ask(socket, "GET", "/logs?service=a*")).text).toBe("1\n4\n");
    expect((await ask(socket, "GET", "/logs?n=x")).status).toBe(400);
  });
});
