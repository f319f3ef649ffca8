import { expect, test } from "bun:test";
import { targetOf } from "../../src/cli/target.ts";

test("targetOf() takes services.yaml when no file is named", () => {
  expect(targetOf([])).toEqual({ file: "services.yaml", only: [] });
  expect(targetOf(["api", "db"])).toEqual({ file: "services.yaml", only: ["api", "db"] });
});

test("targetOf() takes a first word that ends in .yaml or .yml, or is a path, as the file", () => {
  expect(targetOf(["deploy/shop.yml", "api"])).toEqual({ file: "deploy/shop.yml", only: ["api"] });
  expect(targetOf(["/dev/stdin", "api"])).toEqual({ file: "/dev/stdin", only: ["api"] });
});

test("targetOf() refuses a second file", () => {
  expect(() => targetOf(["a.yaml", "api", "b.yaml"])).toThrow('"b.yaml" is a second file');
  expect(() => targetOf(["api", "b.yaml"])).toThrow('"b.yaml" is a second file');
});
