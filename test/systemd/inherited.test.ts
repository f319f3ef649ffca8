import { expect, test } from "bun:test";
import { takeInherited } from "../../src/systemd/inherited.ts";

const given = () => ({
  PATH: "/bin",
  NOTIFY_SOCKET: "@notify",
  WATCHDOG_USEC: "2500000",
  WATCHDOG_PID: "7",
  LISTEN_PID: "7",
  LISTEN_FDS: "3",
  LISTEN_FDNAMES: "web:admin:web",
  FDSTORE: "16",
  STATE_DIRECTORY: "/var/lib/shop",
});

test("takeInherited() reads what systemd says, and leaves services nothing of it", () => {
  const variables: Record<string, string | undefined> = given();
  expect(takeInherited(variables, 7)).toEqual({
    notifySocket: "@notify",
    watchdogMs: 2_500,
    sockets: { web: [3, 5], admin: [4] },
  });
  expect(variables).toEqual({ PATH: "/bin", STATE_DIRECTORY: "/var/lib/shop" });
});

test("takeInherited() takes what is meant for another process, and does not use it", () => {
  const variables: Record<string, string | undefined> = given();
  expect(takeInherited(variables, 8)).toEqual({ notifySocket: "@notify", sockets: {} });
  expect(Object.keys(variables)).toEqual(["PATH", "STATE_DIRECTORY"]);
});

test("takeInherited() calls sockets without a name as systemd does", () => {
  expect(takeInherited({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7).sockets).toEqual({ unknown: [3] });
});

test("takeInherited() finds nothing where there is no systemd", () => {
  expect(takeInherited({ PATH: "/bin" }, 7)).toEqual({ sockets: {} });
});
