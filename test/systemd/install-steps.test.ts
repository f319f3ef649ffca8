import { expect, test } from "bun:test";
import { installSteps, isSocketOf } from "../../src/systemd/install-steps.ts";

const socket = (name: string, place: string) => ({
  file: `shop-${name}.socket`,
  text: `[Socket]\nListenStream=${place}\nService=shop.service\n`,
});

function stepsOf(
  sockets: readonly ReturnType<typeof socket>[],
  before: readonly ReturnType<typeof socket>[] = [],
  now: { readonly running: readonly string[]; readonly listening: readonly string[] } | undefined = undefined,
) {
  const known = before.map(({ file, text }): [string, string] => [file, text]);
  return installSteps({
    manager: "systemctl",
    folder: "/units",
    service: "shop.service",
    sockets,
    before: new Map(before.length > 0 ? [["shop.service", ""], ...known] : []),
    ...(now ? { running: new Set(now.running) } : {}),
    isListening: (place) => now?.listening.includes(place) ?? false,
  }).split(" && ");
}

const web = socket("web", "127.0.0.1:80");
const begin = ["systemctl daemon-reload", "systemctl enable --now shop.service shop-web.socket"];

test("installSteps() stop nothing the first time, and when every socket is where it was", () => {
  expect(stepsOf([web])).toEqual(begin);
  expect(stepsOf([web], [web])).toEqual(begin);
});

test("installSteps() stop the service and the socket that is moved", () => {
  expect(stepsOf([web], [socket("web", "127.0.0.1:81")])).toEqual([
    "systemctl stop shop.service shop-web.socket",
    ...begin,
  ]);
});

test("installSteps() stop the service for a new socket, and remove one that the plan has no more", () => {
  expect(stepsOf([web], [socket("old", "127.0.0.1:80")])).toEqual([
    "systemctl stop shop.service shop-old.socket",
    "systemctl disable shop-old.socket",
    "rm /units/shop-old.socket",
    ...begin,
  ]);
});

test("installSteps() are the same when they are asked for again before they were typed", () => {
  const running = ["shop.service", "shop-web.socket"];
  const stop = "systemctl stop shop.service shop-web.socket";
  expect(stepsOf([web], [web], { running, listening: ["127.0.0.1:81"] })).toEqual([stop, ...begin]);
  expect(stepsOf([web], [web], { running, listening: ["127.0.0.1:80"] })).toEqual(begin);
  expect(stepsOf([web], [web], { running: [], listening: [] })).toEqual(begin);
  const added = { running: ["shop.service"], listening: [] };
  expect(stepsOf([web], [web], added)).toEqual(["systemctl stop shop.service", ...begin]);
});

test("isSocketOf() tells the sockets of a plan from those of one whose name begins the same", () => {
  expect(isSocketOf("shop.service", web.text)).toBe(true);
  expect(isSocketOf("shop.service", web.text.replace("shop.service", "shop-web.service"))).toBe(false);
});
