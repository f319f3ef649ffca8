import process from "node:process";
import type { Libc } from "../../src/runtime/libc.ts";
import type { SystemCalls } from "../../src/runtime/native.ts";
import { openSystemCalls } from "../../src/runtime/native-detect.ts";
import { listeningOn, withPassedSockets } from "../../src/runtime/passed-listener.ts";
import type { NativeServer, Runtime } from "../../src/runtime/runtime.ts";
import { httpPlaneCases } from "./http-plane.ts";
import type { Case } from "./http-setup.ts";

/** The whole contract of HTTP again, with sockets that somebody else has opened wherever a port is asked for. */
export const httpPassedCases: readonly Case[] = httpPlaneCases.map(({ name, run }) => ({
  name,
  run: async (runtime) => run(passing(runtime, await callsOf(), await libcOf())),
}));

async function callsOf(): Promise<SystemCalls> {
  const calls = await openSystemCalls();
  if (!calls) throw new Error("no system calls here");
  return calls;
}

async function libcOf(): Promise<Libc> {
  const { openLibc } =
    process.versions.bun === undefined
      ? await import("../../src/runtime/native-deno.ts")
      : await import("../../src/runtime/native-bun.ts");
  return openLibc();
}

function passing(runtime: Runtime, calls: SystemCalls, libc: Libc): Runtime {
  return {
    ...runtime,
    prepareServer(options) {
      const { address } = options;
      if (address.tag !== "tcp") return runtime.prepareServer(options);
      const open = runtime.prepareServer({ ...options, fetch: () => new Response() });
      return () => {
        // What systemd does before it starts us: a socket that listens, under a number of its own.
        const first = open();
        const descriptor = libc.fcntl(listeningOn(first.address, calls), 0 /* F_DUPFD */, 200);
        void first.kill();
        // Closes the socket in the one way that both runtimes have: standard error takes its number.
        const close = () => void libc.dup2(2, descriptor);
        const passed = withPassedSockets(runtime, { web: [descriptor] }, calls);
        try {
          const server = passed.prepareServer({ ...options, address: { tag: "systemd", name: "web" } })();
          return closingToo(server, close);
        } catch (error) {
          close();
          throw error;
        }
      };
    },
  };
}

/** Nobody takes over here: with the server its socket is gone. */
function closingToo(server: NativeServer, close: () => void): NativeServer {
  const { stop, kill } = server;
  // Or connections that come after the stop has begun would wait for the next process, and there is none.
  delete server.quiesce;
  return Object.assign(server, {
    stop() {
      close();
      return stop();
    },
    kill() {
      close();
      return kill();
    },
  });
}
