import { existsSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { SupervisorError } from "../core/errors.ts";
import { isAlive } from "../core/process-birth.ts";
import { startHint } from "../core/sealed.ts";
import { apiPrefix } from "./api-prefix.ts";

/** Talks to a running supervisor over its control socket. */
export interface ControlClient {
  readonly socket: string;
  /**
   * The answer of the API, whatever its status says; `path` is below `/api/v1`.
   *
   * @throws SupervisorError NOT_RUNNING or CONTROL_FORBIDDEN when nobody can be asked
   */
  ask(method: "GET" | "POST", path: string, body?: unknown): Promise<ControlAnswer>;
  /** The lines of a stream, without their line feeds and without empty ones, until the supervisor ends it. */
  lines(path: string): Promise<ControlAnswer | AsyncIterable<string>>;
}

export interface ControlAnswer {
  readonly status: number;
  readonly value: unknown;
}

export function connectControl(socket: string): ControlClient {
  return {
    socket,
    async ask(method, path, body) {
      return answerOf(await send(socket, method, path, body));
    },
    async lines(path) {
      const response = await send(socket, "GET", path, undefined);
      return response.statusCode === 200 ? linesOf(response) : answerOf(response);
    },
  };
}

const lookMs = 10;
const patienceMs = 5_000;

/** Waits until the process of a supervisor has ended, five seconds at most. */
export async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid) && waited < patienceMs; waited += lookMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Bytes of a path: with the headers around it, servers read 16 KiB. */
const longestPath = 15_000;

const lastMs = 1_000;

/**
 * Whether the supervisor behind a stream that is over has ended in order: then it has taken its socket away, or does so
 * within a second.
 */
export async function hasEndedInOrder(socket: string): Promise<boolean> {
  for (let waited = 0; existsSync(socket) && waited < lastMs; waited += lookMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return !existsSync(socket);
}

/** Not `fetch`: only this works for unix sockets on every runtime. */
function send(socket: string, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  if (path.length > longestPath) {
    const message = `What is asked for has ${path.length} characters, more than ${longestPath}`;
    const hint = "Name less at once; a glob like 'pay-*' stands for many names.";
    return Promise.reject(new SupervisorError("USAGE", message, hint));
  }
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      host: "localhost",
      connection: "close",
      ...(text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    };
    const request = httpRequest({
      socketPath: socket,
      method,
      path: `${apiPrefix}${path}`,
      headers,
      agent: false,
    });
    request.once("response", resolve);
    request.once("error", (error) => reject(connectError(socket, error)));
    request.end(text);
  });
}

async function answerOf(response: IncomingMessage): Promise<ControlAnswer> {
  let text = "";
  response.setEncoding("utf8");
  for await (const part of response) text += part;
  const status = response.statusCode ?? 0;
  try {
    return { status, value: JSON.parse(text) };
  } catch (error) {
    // The server itself refuses without a word of the API.
    if (status >= 400) return { status, value: {} };
    throw ended(error);
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  try {
    for await (const part of response) {
      const lines = `${rest}${part}`.split("\n");
      rest = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "");
    }
  } catch (error) {
    // A supervisor that ends by force does not end its answers.
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
  }
}

function connectError(socket: string, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return new SupervisorError("NOT_RUNNING", `Nothing answers on ${socket}`, startHint(), {
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new SupervisorError(
        "CONTROL_FORBIDDEN",
        `This user may not open ${socket}`,
        "Be the user that the supervisor runs as: sudo -u USER supervisor …",
        { cause: error },
      );
    case "ECONNRESET":
    case "EPIPE":
      return ended(error);
    default:
      return error;
  }
}

function ended(cause: unknown): SupervisorError {
  const message = "The supervisor ended before it had answered";
  return new SupervisorError("NOT_RUNNING", message, "Its log says why.", { cause });
}
