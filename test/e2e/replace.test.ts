import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlClient } from "../../src/control/client.ts";
import type { CommandResult } from "../../src/core/command.ts";
import { controlOf } from "../support/control.ts";
import { freePort } from "../support/free-port.ts";
import { httpLoad } from "../support/http-load.ts";
import { describeTargets, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const service = `export default (ctx) => ({
  fetch: async () => {
    await Promise.resolve();
    return new Response("generation " + ctx.generation);
  },
});
`;

const requests = 100_000;
const replaces = 50;
const reloads = 20;

describeTargets("replace and reload under load", (target) => {
  for (const isolation of ["inline", "worker"]) {
    test(`${isolation}: ${requests} requests, ${replaces} replaces and ${reloads} reloads, none lost`, async () => {
      const [port, other] = [await freePort(), await freePort()];
      const yaml = (round: number) => `name: under-load
admin: false
services:
  busy:
    module: ./busy.ts
    isolation: ${isolation}
    http: { port: ${port} }
  other:
    module: ./other.ts
    config: { round: ${round} }
    http: { port: ${other} }
`;
      using project = tempDir({ "busy.ts": service, "other.ts": service, "services.yaml": yaml(0) });
      const env = { XDG_RUNTIME_DIR: project.path };
      await using supervisor = spawnSupervisor(target, ["run"], { cwd: project.path, env });
      await supervisor.waitFor("all 2 services ready");
      const control = await controlOf(project.path, "under-load");

      const during = operate(control, (round) =>
        writeFileSync(join(project.path, "services.yaml"), yaml(round)),
      );
      const url = `http://127.0.0.1:${port}`;
      const load = httpLoad({ url, requests, during, keepAlive: 8, fresh: 4 });
      const [{ asked, answered, failures, closedEarly }, generation] = await Promise.all([load, during]);

      expect(failures.slice(0, 5)).toEqual([]);
      expect({ answered, closedEarly }).toEqual({ answered: asked, closedEarly: 0 });
      expect(asked).toBeGreaterThanOrEqual(requests);
      expect(generation).toBe(replaces + 1);
      supervisor.signal("SIGTERM");
      expect((await supervisor.exit).code).toBe(0);
    }, 120_000);
  }
});

/** Replaces one service and reloads the file, in turns; resolves with the generation that serves at the end. */
async function operate(control: ControlClient, edit: (round: number) => void): Promise<number | undefined> {
  let generation: number | undefined;
  for (let round = 1; round <= replaces; round++) {
    const [step] = (await post(control, "/services/busy/restart")).steps;
    generation = step?.generation;
    if (round > reloads) continue;
    edit(round);
    const { steps } = await post(control, "/reload");
    expect(steps.map(({ subject, outcome }) => ({ subject, outcome }))).toEqual([
      { subject: "other", outcome: "done" },
    ]);
  }
  return generation;
}

async function post(control: ControlClient, path: string): Promise<CommandResult> {
  const { value } = await control.ask("POST", path);
  const result = value as CommandResult;
  expect(result).toMatchObject({ outcome: "done" });
  return result;
}
