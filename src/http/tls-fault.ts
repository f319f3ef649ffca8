import { readFileSync } from "node:fs";
import process from "node:process";

/** The files of a certificate and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsFault {
  readonly fact: string;
  readonly hint: string;
}

/** What is wrong with a certificate and its key that a runtime has refused, in words of its own for each of them. */
export function tlsFault({ cert, key }: TlsFiles): TlsFault {
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  const certificate = read(() => new X509Certificate(readFileSync(cert)));
  if (!certificate) {
    const hint = "It begins with -----BEGIN CERTIFICATE-----, the server's own certificate first";
    return { fact: `${cert} is no certificate in PEM form`, hint: `Check ${cert}. ${hint}` };
  }
  const secret = read(() => createPrivateKey(readFileSync(key)));
  if (!secret) {
    const hint = "It begins with -----BEGIN PRIVATE KEY----- and has no passphrase";
    return { fact: `${key} is no private key in PEM form`, hint: `Check ${key}. ${hint}` };
  }
  const belongs = read(() => certificate.checkPrivateKey(secret));
  return belongs === false
    ? {
        fact: "the key does not belong to the certificate",
        hint: `Check ${key}: it is not the key of ${cert}`,
      }
    : { fact: "the runtime refuses the certificate", hint: `Check ${cert} and ${key}` };
}

function read<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    // Which of them it is counts; what the library says of it helps nobody.
    return undefined;
  }
}
