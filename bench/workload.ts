import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One set of services, as a file for either contender. */
export interface Workload {
  readonly size: number;
  /** Where the services listen, in the order of the file. */
  readonly ports: readonly number[];
  /** The working directory of both contenders. */
  readonly directory: string;
  /** For the supervisor. */
  readonly yaml: string;
  /** For the script. */
  readonly list: string;
  readonly script: string;
}

/** What every service is asked; it answers 200 with a few bytes of JSON. */
export const path = "/value/7";

const here = dirname(fileURLToPath(import.meta.url));

/** A folder of service modules, each a file of its own with Hono from the node_modules beside it. */
export class Workshop {
  readonly directory: string = mkdtempSync(join(tmpdir(), "supervisor-bench-"));
  #written = 0;

  constructor() {
    mkdirSync(join(this.directory, "services"));
    mkdirSync(join(this.directory, "node_modules"));
    symlinkSync(join(here, "../node_modules/hono"), join(this.directory, "node_modules/hono"));
    writeFileSync(join(this.directory, "package.json"), `{ "type": "module" }\n`);
    cpSync(join(here, "baseline.ts"), join(this.directory, "baseline.ts"));
  }

  /** Writes the files of `size` services that listen from `firstPort` on; the port after the last is the admin's. */
  workload(size: number, firstPort: number): Workload {
    for (; this.#written < size; this.#written++)
      writeFileSync(this.#module(this.#written), source(this.#written));
    const ports = Array.from({ length: size }, (_, index) => firstPort + index);
    const file = (ending: string) => join(this.directory, `services-${firstPort}-${size}.${ending}`);
    writeFileSync(file("yaml"), this.#yaml(ports, firstPort + size));
    const list = ports.map((port, index) => ({ module: this.#module(index), port }));
    writeFileSync(file("json"), JSON.stringify(list));
    const { directory } = this;
    const script = join(directory, "baseline.ts");
    return { size, ports, directory, yaml: file("yaml"), list: file("json"), script };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #module(index: number): string {
    return join(this.directory, `services/s${index + 1}.ts`);
  }

  #yaml(ports: readonly number[], admin: number): string {
    const services = ports.map((port, index) => {
      const name = `s${index + 1}`;
      return `  ${name}:\n    module: ./services/${name}.ts\n    http: { port: ${port} }\n`;
    });
    return `name: bench\nadmin: { listen: "127.0.0.1:${admin}" }\nservices:\n${services.join("")}`;
  }
}

/** The first port of `count` free ones in a row, outside of the range from which clients get theirs. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * (10_000 - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row between 20000 and 30000`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function source(index: number): string {
  return `import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.text("s${index + 1}"));
app.get("/value/:id", (c) => c.json({ service: "s${index + 1}", id: Number(c.req.param("id")) }));

export default app;
`;
}
