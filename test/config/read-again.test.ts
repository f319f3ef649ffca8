import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { readChanged, readPlanAgain } from "../../src/config/read-again.ts";
import type { PlanSource, ReadOptions } from "../../src/config/read-plan.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import type { Problem } from "../../src/core/problem.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { tempDir } from "../support/temp-dir.ts";

const folder = tempDir({ "a.ts": "", "b.ts": "", "cert.pem": "", "creds/key": "secret-one" });
afterAll(() => folder[Symbol.dispose]());

interface Service {
  readonly name: string;
  readonly lines: readonly string[];
}

/** A services.yaml as a person changes it: by line, by service, by section. */
interface Model {
  readonly head: readonly string[];
  readonly services: readonly Service[];
  readonly tail: readonly string[];
  readonly overlay: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

const lines = [
  "module: ./a.ts",
  "module: ./b.ts # another",
  "module: ./gone.ts",
  "# only a comment",
  "",
  "enabled: false",
  "depends_on: [s1]",
  "depends_on: { s2: started }",
  "depends_on: [s1, s2]",
  "depends_on: [s3, s4]",
  "depends_on: [nobody]",
  "http: { port: 8081 }",
  "http: { port: 8082, path: /x }",
  "http: { unix: ./s.sock }",
  "http:\n      tls: { cert: ./cert.pem, key: ./cert.pem }\n      port: 8443",
  "http: {}",
  "env: { TOKEN: abcdefgh }",
  'env: { URL: "postgres://u:${PASS:-secret77}@h/db" }',
  "env: { A: ${MODE} }",
  "env: { B: ${EXTRA} }",
  'env: { KEY: "${credential:key}" }',
  "config: { limit: 10 }",
  "config: { limit: ${LIMIT:-7} }",
  "config:\n      url: amqp://me:topsecret@host\n      list:\n      - 1\n      - two",
  "stop_timeout: 40s",
  "stop_timeout: 1s",
  "restart: never",
  "isolation: worker",
  "memory: 64MiB",
  "config: &anchor { a: 1 }",
  "config: *anchor",
  "critical: maybe",
  "x-note: anything",
  "config: |\n      text\n    s9: no service",
  "\tmodule: ./a.ts",
  "config: 'open",
];

const headLines = [
  "# shop",
  "name: shop",
  "x-base: { a: 1 }",
  "x-anchored: &base { critical: false }",
  "log: { level: debug }",
  "admin: { listen: 127.0.0.1:8081 }",
  'admin: { listen: 127.0.0.1:0, token: "${TOKEN:-long-token}" }',
  "defaults: { critical: false }",
  "defaults: { http: { port: 9000 }, env: { COMMON: x } }",
  "defaults: { stop_timeout: 2s }",
  "shutdown: { timeout: 20s }",
  "shutdown: { timeout: 30s, order: graph }",
  "bogus: 1",
  "---",
];

const overlayLines = [
  "# nothing",
  "services: { s1: { config: { limit: 99 } } }",
  "services: { s2: null, extra: { module: ./a.ts, env: { MODE: '${MODE}' } } }",
  "services: { s3: { env: { TOKEN: overlaid } }, s0: { http: { port: 8090 } } }",
  "log: { level: warn }",
  "defaults: { restart: never }",
];

const names = ["s0", "s1", "s2", "s3", "s4", '"s5"', "x-s", "S6", "s.7"];
const name = fc.constantFrom(...names);
const line = fc.constantFrom(...lines);
const step = fc.record({
  what: fc.constantFrom<Kind>(...kindsOf()),
  at: fc.nat(20),
  to: fc.nat(20),
  name,
  line,
  head: fc.constantFrom(...headLines),
  overlay: fc.constantFrom(...overlayLines),
  text: fc.constantFrom(
    "\t",
    "  ",
    "\n",
    "#",
    ":",
    "'",
    "{",
    "}",
    "a",
    "",
    "\u2028",
    "\n  s8:\n    module: ./a.ts",
  ),
  variable: fc.constantFrom("MODE", "LIMIT", "PASS", "TOKEN", "EXTRA"),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Kind = "add" | "remove" | "rename" | "move" | "line" | "cut" | "head" | "tail" | "unhead" | "overlay";
type Others = "variable" | "credential" | "broken" | "same";

function kindsOf(): (Kind & string)[] {
  const often = [
    "add",
    "add",
    "add",
    "remove",
    "rename",
    "move",
    "line",
    "line",
    "line",
    "line",
    "cut",
    "cut",
  ];
  const seldom = ["head", "tail", "unhead", "overlay", "variable", "credential", "broken", "same"];
  return [...often, ...often, ...seldom] as (Kind & Others)[];
}

const start: Model = {
  head: ["name: shop"],
  services: ["s0", "s1", "s2", "s3"].map((each) => ({ name: each, lines: ["module: ./a.ts"] })),
  tail: [],
  overlay: ["services: { s1: { config: { limit: 99 } } }"],
  variables: { MODE: "fast" },
};

function change(model: Model, { what, at, to, name, line, head, overlay, variable }: Step): Model {
  const { services } = model;
  const index = services.length === 0 ? 0 : at % services.length;
  const edit = (each: (service: Service) => Service[]): Model => ({
    ...model,
    services: services.flatMap((service, place) => (place === index ? each(service) : [service])),
  });
  switch (what as Kind | Others) {
    case "add":
      return {
        ...model,
        services: services.toSpliced(index, 0, { name, lines: ["module: ./a.ts", line] }),
      };
    case "remove":
      return edit(() => []);
    case "rename":
      return edit((service) => [{ ...service, name }]);
    case "move":
      return {
        ...model,
        services: services.toSpliced(index, 1).toSpliced(to, 0, ...services.slice(index, index + 1)),
      };
    case "line":
      return edit((service) => [
        { ...service, lines: service.lines.toSpliced(to % (service.lines.length + 1), 0, line) },
      ]);
    case "cut":
      return edit((service) => [
        { ...service, lines: service.lines.toSpliced(to % (service.lines.length + 1), 1) },
      ]);
    case "head":
      return { ...model, head: [...model.head, head] };
    case "tail":
      return { ...model, tail: [...model.tail, head] };
    case "unhead":
      return { ...model, head: ["name: shop"], tail: [] };
    case "overlay":
      return { ...model, overlay: [overlay] };
    case "variable":
      return {
        ...model,
        variables:
          to % 3 === 0 ? { MODE: "fast" } : { ...model.variables, [variable]: `value-${to}${variable}` },
      };
    default:
      return model;
  }
}

function render({ head, services, tail }: Model): string {
  const blocks = services.map((service) =>
    [
      `  ${service.name}:`,
      ...service.lines.map((each) => (each.startsWith("\t") ? each : `    ${each}`)),
    ].join("\n"),
  );
  return `${[...head, "services:", ...blocks, ...tail].join("\n")}\n`;
}

type Outcome = { readonly source: PlanSource } | { readonly problems: readonly Problem[] };

async function outcomeOf(work: Promise<PlanSource>): Promise<Outcome> {
  try {
    return { source: await work };
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return { problems: error.problems };
  }
}

function told(outcome: Outcome): string {
  if ("problems" in outcome) return JSON.stringify(outcome.problems);
  const { plan, locate } = outcome.source;
  const places = plan.services.flatMap((service) =>
    [["module"], ["config", "limit"], ["http", "port"], ["restart"], []].map((path) =>
      locate(["services", service.name, ...path]),
    ),
  );
  return JSON.stringify([plan, places, locate(["name"]), locate(["log", "level"])], null, 1);
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

const runs = Number(process.env.SUPERVISOR_TEST_RUNS ?? 150);

for (const [title, request] of [
  ["", {}],
  [" with an overlay", { env: "prod" }],
  [" with a selection", { only: ["s0"] }],
] as const) {
  test(`readPlanAgain()${title} finds what a whole reading finds, whatever was edited`, async () => {
    let kept = 0;
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), async (steps) => {
        let model = start;
        let last: PlanSource | undefined;
        for (const each of steps) {
          const before = model;
          model = change(model, each);
          const text = render(model);
          const broken = (each.what as string) === "broken";
          const cut = (each.at * 37) % text.length;
          const file = folder.write(
            "services.yaml",
            broken ? text.slice(0, cut) + each.text + text.slice(cut + (each.to % 4)) : text,
          );
          folder.write("services.prod.yaml", `${model.overlay.join("\n")}\n`);
          folder.write(
            "creds/key",
            (each.what as string) === "credential" ? `secret-${each.to}` : "secret-one",
          );
          const variables = { ...model.variables, CREDENTIALS_DIRECTORY: join(folder.path, "creds") };
          const options: ReadOptions = { file, variables, ...request };
          const fresh = await outcomeOf(readPlan(options));
          if (!last?.kept) {
            if ("source" in fresh) last = fresh.source;
            // What cannot be read is taken back, as a person would.
            else model = before;
            continue;
          }
          const changed = readChanged(options, last.kept);
          if (changed) kept++;
          else whole++;
          const again = await outcomeOf(readPlanAgain(options, last));
          expect(told(again)).toBe(told(fresh));
          if ("source" in again) {
            expect(isFrozen(again.source.plan)).toBe(true);
            last = again.source;
          } else model = before;
        }
      }),
      { numRuns: runs },
    );
    // Otherwise nothing was compared, or nothing was ever doubted.
    expect(kept).toBeGreaterThan(runs);
    expect(whole).toBeGreaterThan(runs / 2);
  }, 60_000);
}

test("readPlanAgain() checks a service that is selected only now, though its lines are the same", async () => {
  const text = (needs: string) => `services:
  s0: { module: ./a.ts, depends_on: [${needs}] }
  s1: { module: ./a.ts }
  s2: { module: ./gone.ts }
`;
  const file = folder.write("services.yaml", text("s1"));
  const options = { file, variables: {}, only: ["s0"] };
  const last = await readPlan(options);
  folder.write("services.yaml", text("s1, s2"));
  await expect(readPlanAgain(options, last)).rejects.toMatchObject({
    problems: [{ code: "MODULE_NOT_FOUND", position: { line: 4 } }],
  });
});

test("readPlanAgain() gives the very objects of services that have not changed, and places as they are now", async () => {
  const text = (limit: number, comment = "") => `services:
  s0: { module: ./a.ts, config: { limit: 1 } }
${comment}  s1: { module: ./b.ts, config: { limit: ${limit} } }
`;
  const file = folder.write("services.yaml", text(1));
  const first = await readPlan({ file, variables: {} });
  folder.write("services.yaml", text(2, "# one more line\n"));
  const second = await readPlanAgain({ file, variables: {} }, first);
  // The comment belongs to the lines of s0: what it says is compared then, and found to be the same.
  expect(second.plan.services[0]).toBe(first.plan.services[0] as never);
  expect(second.plan.services[1]?.module).toBe(first.plan.services[1]?.module as string);
  expect(second.plan.services[1]?.config).toEqual({ limit: 2 });
  expect(second.locate(["services", "s1", "config", "limit"])).toMatchObject({ line: 4 });
});
