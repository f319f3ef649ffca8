import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "supervisor";
import { register } from "./registry.ts";

type Config = { port: number | string; disk_ms: number };

/** Speaks lines: `PING`, and `REGISTER topic producer`; answers each in its turn. */
export default class LookupServer {
  readonly #config: Config;
  readonly #server: Server;
  readonly #clients = new Set<Client>();

  constructor(ctx: Context<Config>) {
    this.#config = ctx.config;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async start(ctx: Context): Promise<void> {
    this.#server.listen(Number(this.#config.port), "127.0.0.1");
    await once(this.#server, "listening");
    ctx.log.info("listening", { address: this.#server.address() });
  }

  /** Nobody new comes in, whoever is inside gets the answers they wait for, and only then the lights go out. */
  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await Promise.all([...this.#clients].map((client) => client.leave()));
    await closed;
  }

  #accept(socket: Socket): void {
    const client = new Client(socket, (line) => this.#answer(line));
    this.#clients.add(client);
    socket.on("error", () => socket.destroy()).on("close", () => this.#clients.delete(client));
  }

  async #answer(line: string): Promise<string> {
    const [command, topic, producer] = line.trim().split(/\s+/);
    if (command === "PING") return "OK";
    if (command !== "REGISTER" || !topic || !producer) return `E_INVALID ${line}`;
    await sleep(this.#config.disk_ms);
    register(topic, producer);
    return "OK";
  }
}

/** One connection and what it still waits for. */
class Client {
  readonly #socket: Socket;
  #work: Promise<void> = Promise.resolve();

  constructor(socket: Socket, answer: (line: string) => Promise<string>) {
    this.#socket = socket;
    createInterface({ input: socket }).on("line", (line) => {
      this.#work = this.#work.then(async () => void socket.write(`${await answer(line)}\n`));
    });
  }

  async leave(): Promise<void> {
    await this.#work;
    this.#socket.end("BYE\n");
  }
}
