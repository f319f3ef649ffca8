/*
 * The least that a compiled program needs to serve a workload: a thread for the operator, the modules from disk, the
 * ports. It reads no YAML, checks nothing and supervises nothing.
 *
 *     bare run services.yaml        reads the list beside it, services.json
 */
import { readFileSync } from "node:fs";
import { serveModules } from "./serve-modules.ts";

const list = (process.argv[3] as string).replace(/yaml$/, "json");
new Worker(new URL("./plane.ts", import.meta.url).href);
await serveModules(JSON.parse(readFileSync(list, "utf8")));
