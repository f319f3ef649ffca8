import { expect, test } from "bun:test";
import { listenError } from "../../src/core/listen-error.ts";

const tcp = { tag: "tcp", host: "127.0.0.1", port: 80 } as const;

test.each([
  ["EADDRINUSE", "ADDRESS_IN_USE", "another process listens there"],
  ["EACCES", "ADDRESS_FORBIDDEN", "permission denied"],
  ["EADDRNOTAVAIL", "ADDRESS_UNAVAILABLE", "no such address"],
] as const)("listenError() of %s is %s", (code, expected, words) => {
  const cause = Object.assign(new Error("no such address"), { code });
  const error = listenError("the admin listener", tcp, cause);
  expect(error.code).toBe(expected);
  expect(error.message).toBe(`Cannot bind 127.0.0.1:80 for the admin listener: ${words}`);
  expect(error.cause).toBe(cause);
});

test("listenError() speaks of paths, not ports, for a unix socket", () => {
  const error = listenError(
    "the admin listener",
    { tag: "unix", path: "/run/x.sock" },
    { code: "EADDRINUSE" },
  );
  expect(error.message).toStartWith("Cannot bind unix:/run/x.sock");
  expect(error.hint).toContain("path");
});
