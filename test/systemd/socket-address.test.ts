import { expect, test } from "bun:test";
import { unixAddress } from "../../src/systemd/socket-address.ts";

const bytes = (text: string) => [...new TextEncoder().encode(text)];

test("unixAddress() ends a path with a zero, and begins an abstract name with one", () => {
  expect([...(unixAddress("/run/n") as Uint8Array)]).toEqual([1, 0, ...bytes("/run/n"), 0]);
  expect([...(unixAddress("@n") as Uint8Array)]).toEqual([1, 0, 0, ...bytes("n")]);
});

test("unixAddress() knows no other kind, and nothing that is too long", () => {
  expect(unixAddress("vsock:2:1234")).toBeUndefined();
  expect(unixAddress("")).toBeUndefined();
  expect(unixAddress(`/${"x".repeat(107)}`)).toBeUndefined();
  expect(unixAddress(`/${"x".repeat(106)}`)).toBeDefined();
});
