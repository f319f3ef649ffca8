import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlClient } from "../../src/control/client.ts";
import type { CommandResult, StepResult } from "../../src/core/command.ts";
import type { ServiceSnapshot } from "../../src/core/snapshot.ts";
import { controlOf } from "../support/control.ts";
import { describeTargets, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

const size = 30;
const clients = 32;
/** CI takes the whole minute; by hand a part of it shows a mistake soon enough. */
const seconds = Number(process.env.SUPERVISOR_TEST_SECONDS ?? 8);

// Writes down every start and stop, and says so itself when a life overlaps another in a way that none may.
const service = `
const lives = (globalThis.lives ??= new Map());
export default (ctx) => {
  const alive = lives.get(ctx.name) ?? lives.set(ctx.name, new Set()).get(ctx.name);
  return {
    async start() {
      if (alive.has(ctx.generation)) console.error("DOUBLE START", ctx.name, ctx.generation);
      alive.add(ctx.generation);
      if (alive.size > 2) console.error("TOO MANY", ctx.name, [...alive].join());
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    },
    async stop() {
      if (!alive.delete(ctx.generation)) console.error("DOUBLE STOP", ctx.name, ctx.generation);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    },
    fetch: () => new Response([...lives].flatMap(([name, alive]) => (alive.size ? [name + ":" + [...alive]] : [])).join(" ")),
  };
};
`;

describeTargets("random verbs", (target) => {
  test(
    `${clients} clients against ${size} services for ${seconds} s: no deadlock, nothing twice, nothing lost`,
    async () => {
      // Two of them come and go with the round, one has another config each time.
      const yaml = (round: number) => {
        const lines = Array.from({ length: size }, (_, index) => {
          if (index > 0 && index < 3 && round % 3 === index) return "";
          const needs = index > 5 && index % 5 === 0 ? `, depends_on: [s${index - 1}]` : "";
          const config = index === 0 ? `, config: { round: ${round} }` : "";
          return `  s${index}: { module: ./s.ts, critical: false${config}${needs} }\n`;
        });
        return `name: verbs\nadmin: false\nservices:\n${lines.join("")}`;
      };
      using project = tempDir({ "s.ts": service, "services.yaml": yaml(0) });
      const env = { XDG_RUNTIME_DIR: project.path };
      await using supervisor = spawnSupervisor(target, ["run"], { cwd: project.path, env });
      await supervisor.waitFor(`all ${size} services ready`);
      const control = await controlOf(project.path, "verbs");

      const until = performance.now() + seconds * 1_000;
      const edit = () =>
        writeFileSync(join(project.path, "services.yaml"), yaml(Math.floor(Math.random() * 100)));
      const done = await Promise.all(Array.from({ length: clients }, () => client(control, until, edit)));
      const steps = done.flat();
      expect(steps.length).toBeGreaterThan(clients);
      expect(unexpected(steps)).toEqual([]);

      // Whatever it went through: told to be there, all of it is there.
      writeFileSync(join(project.path, "services.yaml"), yaml(0));
      await command(control, "/reload");
      await command(control, "/services/*/resume");
      await command(control, "/services/*/start");
      await command(control, "/services/*/start");
      const after = await services(control);
      expect(after.map(({ state }) => state)).toEqual(Array.from({ length: size }, () => "ready"));
      expect(supervisor.stderr).not.toMatch(/DOUBLE|TOO MANY|defect/);

      const { value } = await control.ask("POST", "/inject", { service: "s0", method: "GET", path: "/" });
      const alive = (value as CommandResult).response?.body.split(" ").sort();
      expect(alive).toEqual(after.map(({ name, generation }) => `${name}:${generation}`).sort());

      supervisor.signal("SIGTERM");
      expect((await supervisor.exit).code).toBe(0);
      expect(supervisor.stderr).toMatch(/stopped in order/);
      expect(supervisor.stderr).not.toMatch(/DOUBLE|TOO MANY/);
    },
    seconds * 1_000 + 60_000,
  );
});

const verbs = ["start", "stop", "restart", "pause", "resume"] as const;

async function client(control: ControlClient, until: number, edit: () => void): Promise<StepResult[]> {
  const steps: StepResult[] = [];
  while (performance.now() < until) {
    const dice = Math.random();
    if (dice < 0.2) await services(control);
    else if (dice < 0.25) {
      edit();
      await command(control, "/reload");
    } else {
      const verb = verbs[Math.floor(Math.random() * verbs.length)];
      const name = Math.random() < 0.02 ? "s1*" : `s${Math.floor(Math.random() * size)}`;
      steps.push(...(await command(control, `/services/${name}/${verb}`)));
    }
  }
  return steps;
}

async function command(control: ControlClient, path: string): Promise<readonly StepResult[]> {
  const { value } = await control.ask("POST", `${path}${path.includes("?") ? "&" : "?"}timeout=30s`);
  return (value as CommandResult).steps ?? [];
}

async function services(control: ControlClient): Promise<readonly ServiceSnapshot[]> {
  const { value } = await control.ask("GET", "/status");
  return (value as { services: ServiceSnapshot[] }).services;
}

/** A service may be gone by then, or wait for one that somebody else has stopped; nothing else may fail. */
const fair = ["DEPENDENCY_NOT_READY", "UNKNOWN_SERVICE"];
function unexpected(steps: readonly StepResult[]): StepResult[] {
  return steps.filter(({ outcome, error }) => outcome === "failed" && !fair.includes(error?.code ?? ""));
}
