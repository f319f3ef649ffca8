/*
 * As bare.ts, but it reads services.yaml as the supervisor does: every problem at once, each with its place.
 *
 *     reading run services.yaml
 */
import { readPlan } from "../../src/config/read-plan.ts";
import { serveModules } from "./serve-modules.ts";

new Worker(new URL("./plane.ts", import.meta.url).href);
const { plan } = await readPlan({ file: process.argv[3] as string, variables: process.env });
await serveModules(
  plan.services.flatMap(({ module, http }) =>
    http?.address.tag === "tcp" ? { module, port: http.address.port } : [],
  ),
);
