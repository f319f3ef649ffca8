import { expect, test } from "bun:test";
import { installSteps, isSocketOf } from "../../src/systemd/install-steps.ts";

const socket = (name: string, place: string) => ({
  file: `shop-${name}.socket`,
  text: `[Socket]\nListenStream=${place}\nService=shop.service\n`,
});

function stepsOf(
  sockets: readonly ReturnType<typeof socket>[],
  before: readonly ReturnType<typeof socket>[] = [],
) {
  const known = before.map(({ file, text }): [string, string] => [file, text]);
  return installSteps({
    manager: "systemctl",
    folder: "/units",
    service: "shop.service",
    sockets,
    before: new Map(before.length > 0 ? [["shop.service", ""], ...known] : []),
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

test("isSocketOf() tells the sockets of a plan from those of one whose name begins the same", () => {
  expect(isSocketOf("shop.service", web.text)).toBe(true);
  expect(isSocketOf("shop.service", web.text.replace("shop.service", "shop-web.service"))).toBe(false);
});
