import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tlsFault } from "../../src/http/tls-fault.ts";
import { tempDir } from "../support/temp-dir.ts";

const pem = (name: string) => readFileSync(join(import.meta.dir, "../support/tls", `${name}.pem`), "utf8");
const other = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
const foreign = String(other.export({ type: "pkcs8", format: "pem" }));

describe("tlsFault()", () => {
  test.each([
    ["the certificate, when that is none", "nonsense", pem("key"), "cert.pem is no certificate", "cert.pem"],
    ["the certificate, when it is a key", pem("key"), pem("key"), "cert.pem is no certificate", "cert.pem"],
    ["the key, when that is none", pem("cert"), "nonsense", "key.pem is no private key", "key.pem"],
    ["both, when they do not belong together", pem("cert"), foreign, "does not belong", "key.pem"],
  ])("names %s, without a word of the library", (_, cert, key, fact, file) => {
    using folder = tempDir({ "cert.pem": cert, "key.pem": key });
    const fault = tlsFault({ cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") });
    expect(fault.fact).toContain(fact);
    expect(fault.hint).toContain(join(folder.path, file));
    expect(`${fault.fact} ${fault.hint}`).not.toMatch(/openssl|error:|routines/i);
  });
});
