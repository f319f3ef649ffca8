import { expect, test } from "bun:test";
import { listenError } from "../../src/core/listen-error.ts";

const tcp = {
  address: { tag: "tcp", host: "127.0.0.1", port: 80 },
  who: 'service "api"',
  key: "services.api.http.port",
} as const;
const unix = { ...tcp, address: { tag: "unix", path: "/run/x.sock" } } as const;

test.each([
  ["EADDRINUSE", "ADDRESS_IN_USE", "the port is already in use"],
  ["EACCES", "ADDRESS_FORBIDDEN", "permission denied"],
  ["EPERM", "ADDRESS_FORBIDDEN", "permission denied"],
  ["EADDRNOTAVAIL", "ADDRESS_UNAVAILABLE", "the host is no address of this machine"],
  ["ENAMETOOLONG", "ADDRESS_UNAVAILABLE", "the system's words"],
] as const)("listenError() of %s is %s, and says what to change", (code, expected, words) => {
  const cause = Object.assign(new Error("the system's words"), { code });
  const error = listenError(tcp, cause);
  expect(error.code).toBe(expected);
  expect(error.message).toBe(`Cannot listen on 127.0.0.1:80 for service "api": ${words}`);
  expect(error.hint).toMatch(/change services\.api\.http\.(port|host)/i);
  expect(error.cause).toBe(cause);
});

test("listenError() speaks of sockets, not ports, for a unix socket", () => {
  const error = listenError(unix, { code: "EADDRINUSE" });
  expect(error.message).toBe(
    'Cannot listen on unix:/run/x.sock for service "api": another process listens on that socket',
  );
  expect(error.hint).toContain("ss -lxp src /run/x.sock");
  expect(listenError(unix, { code: "EACCES" }).hint).toContain("may not create /run/x.sock");
});
