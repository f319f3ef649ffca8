import { expect, test } from "bun:test";
import { readBrokerUrl } from "../../src/config/broker-url.ts";
import { addUrlPasswords } from "../../src/config/secrets.ts";
import { readAddress } from "../../src/queue/drivers/redis/address.ts";
import { parseAddress } from "../../src/queue/drivers/sqlite/address.ts";

const right = [
  "redis://h",
  "redis://user:pass@[::1]:6379/15",
  "rediss://h?ca=%2Fetc%2Fca.pem",
  "redis+sentinel://s1,s2:26380,s3/mymaster",
  "rediss+sentinel://:pw@s1,s2/mymaster/3?ca=/ca.pem&sentinel_password=x",
  "redis+cluster://n1:7000,n2:7001",
  "redis+cluster://n1/0",
  "sqlite:/q.db?synchronous=normal",
  "sqlite:/q.db?synchronous=full",
];
const wrong = [
  "redis://h/0?bogus=1",
  "redis://h1,h2",
  "redis+sentinel://s1,s2",
  "redis+sentinel://s1/mymaster/x",
  "redis+cluster://n1/1",
  "sqlite:/q.db?synchronous=off",
  "sqlite:/q.db?journal=wal",
];
const useless = ["redis://h?ca=/ca.pem", "rediss://h?sentinel_password=x", "rediss://h?ca="];

const driverReads = (url: string) => () =>
  url.startsWith("sqlite:") ? parseAddress(url) : readAddress(url, "main");

test.each(right)("readBrokerUrl() takes what the driver takes: %s", (url) => {
  expect(readBrokerUrl(url, "/")).toMatchObject({ ok: true, url });
  expect(driverReads(url)).not.toThrow();
});

test.each(wrong)("readBrokerUrl() refuses what the driver refuses: %s", (url) => {
  expect(readBrokerUrl(url, "/")).toMatchObject({ ok: false });
  expect(driverReads(url)).toThrow();
});

test.each(useless)("readBrokerUrl() refuses options that would do nothing: %s", (url) => {
  expect(readBrokerUrl(url, "/")).toMatchObject({ ok: false });
});

test("addUrlPasswords() knows the sentinels' password, too", () => {
  const secrets = new Set<string>();
  addUrlPasswords(secrets, "redis+sentinel://:first-one@s1/m?ca=/x&sentinel_password=second%2Done");
  expect([...secrets].sort()).toEqual(["first-one", "second%2Done", "second-one"]);
});
