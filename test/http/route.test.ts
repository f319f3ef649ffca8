import { describe, expect, test } from "bun:test";
import { createRouter } from "../../src/http/route.ts";

describe("createRouter()", () => {
  const cases: [url: string, expected: string | undefined][] = [
    ["http://any/", "site"],
    ["http://any", "site"],
    ["http://any?x=/api", "site"],
    ["http://any/api", "api"],
    ["http://any/api/", "api"],
    ["http://any/api?x=1", "api"],
    ["http://any/api#x", "api"],
    ["http://any/api/v2", "v2"],
    ["http://any/api/v2/users", "v2"],
    ["http://any/api/v20", "api"],
    ["http://any/apiary", "site"],
    ["http://any/%61pi", "site"],
    ["http://Shop.Example:8080/cart", "shop"],
    ["http://shop.example/api", "shop"],
    ["http://user:pw@shop.example/", "shop"],
    ["http://shop.example.evil/", "site"],
    ["http://notshop.example/", "site"],
    ["http://[::1]:80/", "six"],
  ];
  const route = createRouter([
    { path: "/", target: "site" },
    { path: "/api/v2", target: "v2" },
    { path: "/api/", target: "api" },
    { path: "/", hostname: "shop.EXAMPLE", target: "shop" },
    { path: "/", hostname: "[::1]", target: "six" },
  ]);
  for (const [url, expected] of cases) {
    test(`leads ${url} to ${expected}`, () => expect(route(url)).toBe(expected as string));
  }

  test("finds nothing where no path fits", () => {
    const only = createRouter([{ path: "/api", target: "api" }]);
    expect(only("http://any/")).toBeUndefined();
    expect(only("http://any/ap")).toBeUndefined();
  });

  test("falls back to routes for any hostname where those of the hostname have no such path", () => {
    const both = createRouter([
      { path: "/shop", hostname: "a.example", target: "a" },
      { path: "/", target: "rest" },
    ]);
    expect(both("http://a.example/shop/1")).toBe("a");
    expect(both("http://a.example/other")).toBe("rest");
    expect(both("http://b.example/shop")).toBe("rest");
  });
});
