/*
 * The script one would write by hand instead: loads the same modules, binds the same ports, and on SIGTERM
 * stops in reverse order.
 *
 *     bun run baseline.ts services.json        [{ "module": "/…/s1.ts", "port": 8080 }, …]
 */
import { readFileSync } from "node:fs";

interface Entry {
  readonly module: string;
  readonly port: number;
}

const entries: Entry[] = JSON.parse(readFileSync(process.argv[2] as string, "utf8"));
const modules = await Promise.all(entries.map(({ module }) => import(module)));
const servers = entries.map(({ port }, index) =>
  Bun.serve({ hostname: "127.0.0.1", port, fetch: modules[index].default.fetch }),
);
process.on("SIGTERM", async () => {
  for (const server of servers.reverse()) await server.stop();
  process.exit(0);
});
