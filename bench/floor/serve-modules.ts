/** What the script of the benchmark does, too: imports all modules, binds all ports, and ends on SIGTERM. */
export async function serveModules(entries: readonly { module: string; port: number }[]): Promise<void> {
  const modules = await Promise.all(entries.map(({ module }) => import(module)));
  for (const [index, { port }] of entries.entries())
    Bun.serve({ hostname: "127.0.0.1", port, fetch: modules[index].default.fetch });
  process.on("SIGTERM", () => process.exit(0));
}
