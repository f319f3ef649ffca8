import assert from "node:assert/strict";
import { existsSync, linkSync, lstatSync, renameSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SupervisorError } from "../../src/core/errors.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { tempDir } from "../support/temp-dir.ts";
import type { Case } from "./http-setup.ts";
import { freeAddress, openSite, refused } from "./http-setup.ts";

const pem = (name: string) => fileURLToPath(new URL(`../support/tls/${name}.pem`, import.meta.url));

export const bindingCases: Case[] = [
  {
    name: "bind() reports the real port of port 0, and what a person can open",
    async run(runtime) {
      await using site = await openSite(runtime, { site: {}, api: { path: "/api" } });
      assert.match(site.urls.get("site") ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.match(site.urls.get("api") ?? "", /^http:\/\/127\.0\.0\.1:\d+\/api$/);
      assert.notEqual(site.port("site"), site.port("api"));
      site.open("site", () => new Response("here"));
      assert.equal(await (await fetch(site.urls.get("site") as string)).text(), "here");
    },
  },
  {
    name: "bind() reports every address that cannot be bound, and leaves nothing bound",
    async run(runtime) {
      await using taken = await listen();
      const free = await freeAddress();
      const error = await problemsOf(
        openSite(runtime, {
          good: { address: free },
          evening: { address: { tag: "tcp", host: "127.0.0.1", port: taken.port } },
          abroad: { address: { tag: "tcp", host: "203.0.113.9", port: 20_999 } },
        }),
      );
      assert.deepEqual(
        error.problems.map((problem) => problem.code),
        ["ADDRESS_IN_USE", "ADDRESS_UNAVAILABLE"],
      );
      const [inUse, unavailable] = error.problems;
      assert.equal(
        inUse?.message,
        `Cannot listen on 127.0.0.1:${taken.port} for service "evening": the port is already in use`,
      );
      assert.match(
        inUse?.hint ?? "",
        new RegExp(`ss -ltnp 'sport = :${taken.port}'.*services\\.evening\\.http\\.port`),
      );
      assert.match(unavailable?.message ?? "", /203\.0\.113\.9:20999 for service "abroad"/);
      await refused(free.port);
    },
  },
  {
    name: "bind() serves a unix socket, replaces one that nobody listens on, and removes its own",
    async run(runtime) {
      using dir = tempDir();
      const path = join(dir.path, "stale.sock");
      await leaveStaleSocket(path);
      const site = await openSite(runtime, { local: { address: { tag: "unix", path } } });
      site.open("local", (_request, env) => Response.json({ client: env.clientAddress ?? "none" }));
      assert.equal(await getUnix(path), '{"client":"none"}');
      assert.equal(site.urls.get("local"), `unix:${path}`);
      await site.lease("local").drain({ final: true });
      await site.plane.closeAll();
      assert.equal(existsSync(path), false);
    },
  },
  {
    name: "bind() refuses a unix socket that another process listens on, and a file that is no socket",
    async run(runtime) {
      using dir = tempDir();
      const live = join(dir.path, "live.sock");
      const file = join(dir.path, "data.txt");
      writeFileSync(file, "precious");
      await using _server = await listen(live);
      const error = await problemsOf(
        openSite(runtime, {
          a: { address: { tag: "unix", path: live } },
          b: { address: { tag: "unix", path: file } },
          c: { address: { tag: "unix", path: join(dir.path, "none/there.sock") } },
        }),
      );
      const codes = error.problems.map((problem) => problem.code);
      assert.deepEqual(codes, ["ADDRESS_IN_USE", "ADDRESS_IN_USE", "ADDRESS_UNAVAILABLE"]);
      assert.equal(lstatSync(live).isSocket(), true);
      assert.equal(lstatSync(file).isFile(), true);
    },
  },
  {
    name: "bind() serves TLS from a certificate and a key that are files",
    async run(runtime) {
      await using site = await openSite(runtime, { secure: { tls: { cert: pem("cert"), key: pem("key") } } });
      site.open("secure", (request) => new Response(new URL(request.url).protocol));
      site.plane.stopping(30_000);
      const port = site.port("secure");
      assert.match(site.urls.get("secure") ?? "", /^https:/);
      assert.equal(await getTls(port), "https:");
    },
  },
  {
    name: "bind() refuses a certificate that cannot be read, and one that is none",
    async run(runtime) {
      using dir = tempDir();
      const nonsense = join(dir.path, "nonsense.pem");
      writeFileSync(nonsense, "nonsense");
      const error = await problemsOf(
        openSite(runtime, {
          missing: { tls: { cert: join(dir.path, "missing.pem"), key: pem("key") } },
          broken: { tls: { cert: nonsense, key: nonsense } },
        }),
      );
      assert.deepEqual(
        error.problems.map((problem) => problem.code),
        ["BAD_TLS", "BAD_TLS"],
      );
      assert.match(error.problems[0]?.hint ?? "", /missing\.pem/);
    },
  },
  {
    name: "closeAll() frees every address, however often it is called",
    async run(runtime) {
      const site = await openSite(runtime, { a: {}, b: {} });
      const ports = [site.port("a"), site.port("b")];
      await site.plane.closeAll();
      await site.plane.closeAll();
      for (const port of ports) await refused(port);
    },
  },
];

async function problemsOf(opening: Promise<unknown>): Promise<ProblemsError> {
  try {
    await opening;
  } catch (error) {
    assert.ok(error instanceof ProblemsError, String(error));
    assert.ok(error.problems.every((problem) => problem instanceof SupervisorError));
    return error;
  }
  assert.fail("bind() did not reject");
}

/** Something else that listens: on a free port of 127.0.0.1, or on the socket at `path`. */
async function listen(path?: string): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve),
  );
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a killed process leaves behind: the file without anyone behind it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = await listen(path);
  // The server removes its own name; the second one stays.
  linkSync(path, `${path}.kept`);
  await server[Symbol.asyncDispose]();
  renameSync(`${path}.kept`, path);
  assert.equal(lstatSync(path).isSocket(), true);
}

function getUnix(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path: "/" }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(body));
    });
    request.on("error", reject);
    request.end();
  });
}

function getTls(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: "127.0.0.1", port, path: "/", rejectUnauthorized: false },
      (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      },
    );
    request.on("error", reject);
    request.end();
  });
}
