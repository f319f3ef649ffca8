import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ProjectOptions {
  readonly size: number;
  readonly isolation: "inline" | "worker";
  readonly firstPort: number;
}

/** A folder with a services.yaml whose last service can be changed; its services take a new config as they run. */
export interface Project {
  readonly directory: string;
  readonly name: string;
  readonly yaml: string;
  readonly ports: readonly number[];
  /** The one that is changed and replaced. */
  readonly last: string;
  /** Writes services.yaml anew, with another `config:` of the last service. */
  edit(): void;
}

let made = 0;

/** Writes a project of its own below `parent`. */
export function createProject(parent: string, { size, isolation, firstPort }: ProjectOptions): Project {
  const name = `bench-${++made}`;
  const directory = join(parent, name);
  const yaml = join(directory, "services.yaml");
  const ports = Array.from({ length: size }, (_, index) => firstPort + index);
  let round = 0;
  mkdirSync(join(directory, "services"), { recursive: true });
  for (const index of ports.keys()) writeFileSync(join(directory, `services/s${index + 1}.ts`), source);
  edit();
  return { directory, name, yaml, ports, last: `s${size}`, edit };

  function edit(): void {
    const services = ports.map((port, index) => {
      const service = `  s${index + 1}:\n    module: ./services/s${index + 1}.ts\n    http: { port: ${port} }\n`;
      return isolation === "worker" ? `${service}    isolation: worker\n` : service;
    });
    const config = `    config: { round: ${round++} }\n`;
    writeFileSync(yaml, `name: ${name}\nadmin: false\nservices:\n${services.join("")}${config}`);
  }
}

const source = `export default (ctx) => ({
  fetch: async () => {
    await Promise.resolve();
    return new Response("generation " + ctx.generation);
  },
  reload() {},
});
`;
