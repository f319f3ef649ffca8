import { afterAll, describe, expect, test } from "bun:test";
import type { PlanChange } from "../../src/config/diff.ts";
import { diffPlans, isNothing } from "../../src/config/diff.ts";
import { describeDetail } from "../../src/config/diff-details.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import type { Plan } from "../../src/core/plan.ts";
import { tempDir } from "../support/temp-dir.ts";

const folder = tempDir({ "a.ts": "", "b.ts": "", "c.ts": "" });
afterAll(() => folder[Symbol.dispose]());

const base = `
services:
  api: { module: ./a.ts, http: { port: 8080 }, config: { limit: 10, db: { url: "postgres://me:hunter2hunter@db/x" } } }
  jobs: { module: ./b.ts, depends_on: [api], env: { MODE: slow } }
`;

async function planOf(yaml: string, variables: Record<string, string> = {}): Promise<Plan> {
  const file = folder.write("services.yaml", `name: shop\n${yaml}`);
  return (await readPlan({ file, variables })).plan;
}

/** One line for each thing, as short as it can be told. */
function told({ services, sections, reordered }: PlanChange): string[] {
  return [
    ...services.map(({ service, kind, details }) =>
      [`${kind} ${service}`, ...details.map(describeDetail)].join("; "),
    ),
    ...sections.map(({ section, details }) => [section, ...details.map(describeDetail)].join("; ")),
    ...(reordered ? ["reordered"] : []),
  ];
}

const rows: readonly [string, (yaml: string) => string, readonly string[]][] = [
  ["nothing", (yaml) => yaml, []],
  ["a comment", (yaml) => `# hello\n${yaml}`, []],
  [
    "keys in another order",
    (yaml) => yaml.replace("module: ./b.ts, depends_on: [api]", "depends_on: [api], module: ./b.ts"),
    [],
  ],
  [
    "a default that is written out",
    (yaml) => yaml.replace("module: ./b.ts", "module: ./b.ts, critical: true"),
    [],
  ],
  [
    "another module",
    (yaml) => yaml.replace("./b.ts", "./c.ts"),
    [`changed jobs; module ${folder.path}/b.ts → ${folder.path}/c.ts`],
  ],
  ["another env", (yaml) => yaml.replace("slow", "fast"), ["changed jobs; env.MODE slow → fast"]],
  [
    "a threaded service",
    (yaml) => yaml.replace("module: ./b.ts", "module: ./b.ts, isolation: worker, instances: 2"),
    ['changed jobs; worker {"instances":2} (new)'],
  ],
  ["a config", (yaml) => yaml.replace("limit: 10", "limit: 20"), ["reconfigured api; config.limit 10 → 20"]],
  [
    "a key less in a config",
    (yaml) => yaml.replace("limit: 10, ", ""),
    ["reconfigured api; config.limit 10 (gone)"],
  ],
  [
    "a config and a deadline",
    (yaml) => yaml.replace("limit: 10", "limit: 20").replace("./a.ts", "./a.ts, stop_timeout: 2s"),
    ["reconfigured api; config.limit 10 → 20; stop_timeout 2s (new)"],
  ],
  [
    "a config and the env",
    (yaml) => yaml.replace("limit: 10", "limit: 20").replace("./a.ts", "./a.ts, env: { A: b }"),
    ["changed api; config.limit 10 → 20; env.A b (new)"],
  ],
  [
    "a deadline",
    (yaml) => yaml.replace("./a.ts", "./a.ts, start_timeout: 5s"),
    ["adjusted api; start_timeout 30s → 5s"],
  ],
  [
    "a port",
    (yaml) => yaml.replace("8080", "8081"),
    ["adjusted api; http.address 127.0.0.1:8080 → 127.0.0.1:8081"],
  ],
  [
    "a limit",
    (yaml) => yaml.replace("port: 8080", "port: 8080, limits: { request_timeout: 2s }"),
    ["changed api; http.limits.request_timeout 0ms → 2s"],
  ],
  [
    "a dependency less",
    (yaml) => yaml.replace(" depends_on: [api],", ""),
    ["adjusted jobs; depends_on.api ready (gone)"],
  ],
  [
    "a first address",
    (yaml) => yaml.replace("module: ./b.ts", "module: ./b.ts, http: { port: 8090 }"),
    [expect.stringMatching(/^changed jobs; http \{.*\} \(new\)$/) as unknown as string],
  ],
  ["a new service", (yaml) => `${yaml}  mail: { module: ./c.ts }\n`, ["added mail"]],
  ["a service less", (yaml) => yaml.replace(/ {2}jobs.*\n/, ""), ["removed jobs"]],
  [
    "a service that is switched off",
    (yaml) => yaml.replace("./b.ts", "./b.ts, enabled: false"),
    ["removed jobs"],
  ],
  ["another order", (yaml) => yaml.replace(/( {2}api.*\n)( {2}jobs.*\n)/, "$2$1"), ["reordered"]],
  [
    "a password in a URL",
    (yaml) => yaml.replace("hunter2hunter", "hunter3hunter"),
    ["reconfigured api; config.db.url (hidden)"],
  ],
  [
    "a field that names a secret",
    (yaml) => yaml.replace("limit: 10", "limit: 10, api_key: abc"),
    ["reconfigured api; config.api_key *** (new)"],
  ],
  [
    "a first queue",
    (yaml) => yaml.replace("./b.ts", "./b.ts, schedule: { cron: '@daily' }"),
    [
      expect.stringMatching(/^changed jobs; schedule \{.*\} \(new\)$/) as unknown as string,
      `brokers; brokers.main sqlite:${folder.path}/data/queue.db (new)`,
    ],
  ],
  [
    "a broker that nobody needs",
    (yaml) => `brokers: { mainDb: redis://me:hunter2hunter@db }\n${yaml}`,
    ["brokers; brokers.mainDb redis://me:***@db (new)"],
  ],
  [
    "log and shutdown",
    (yaml) => `log: { level: debug }\nshutdown: { timeout: 20s }\n${yaml}`,
    ["log; log.level info → debug", "shutdown; shutdown.timeout 30s → 20s"],
  ],
  [
    "an admin that moves",
    (yaml) => `admin: { listen: 127.0.0.1:7070 }\n${yaml}`,
    ["admin; admin.listen 127.0.0.1:6060 → 127.0.0.1:7070"],
  ],
  [
    "another answer to errors of nobody",
    (yaml) => `on_unattributed: stop\n${yaml}`,
    ["on_unattributed; on_unattributed log → stop"],
  ],
  ["no admin", (yaml) => `admin: false\n${yaml}`, ["admin; admin.listen 127.0.0.1:6060 → false"]],
];

describe("diffPlans()", () => {
  for (const [what, change, expected] of rows) {
    test(`finds ${what}`, async () => {
      const change_ = diffPlans(await planOf(base), await planOf(change(base)));
      expect(told(change_)).toEqual(expected as string[]);
      expect(isNothing(change_)).toBe(expected.length === 0);
    });
  }

  test("finds a socket of systemd that shall be elsewhere", async () => {
    const listening = (port: number) =>
      planOf(`services: { a: { module: ./a.ts, http: { listen: systemd:web, port: ${port} } } }\n`);
    expect(told(diffPlans(await listening(80), await listening(81)))).toEqual([
      "adjusted a; http.address systemd:web on 127.0.0.1:80 → systemd:web on 127.0.0.1:81",
    ]);
  });

  test("finds another name", async () => {
    const old = await planOf(base);
    expect(told(diffPlans(old, { ...old, name: "store" }))).toEqual(["name; name shop → store"]);
  });

  test("hides the value of a secret variable wherever it stands", async () => {
    const yaml = base.replace("limit: 10", 'limit: "a ${SHOP_TOKEN}"');
    const old = await planOf(yaml, { SHOP_TOKEN: "first-secret" });
    const next = await planOf(yaml.replace('"a ', '"b '), { SHOP_TOKEN: "second-secret" });
    expect(told(diffPlans(old, next))).toEqual(["reconfigured api; config.limit a *** → b ***"]);
  });

  test("names each service once, and what it names is exactly what applying it needs", async () => {
    const plans = await randomPlans(40);
    for (const old of plans) {
      for (const next of plans) {
        const { services } = diffPlans(old, next);
        const named = services.map(({ service }) => service);
        expect(new Set(named).size).toBe(named.length);
        const is = (kind: string) =>
          services.filter((each) => each.kind === kind).map((each) => each.service);
        const names = (plan: Plan) => plan.services.map((service) => service.name);
        const left = names(old).filter((name) => !is("removed").includes(name));
        expect([...left, ...is("added")].sort()).toEqual([...names(next)].sort());
        for (const service of next.services.filter((each) => !named.includes(each.name))) {
          expect(old.services.find((each) => each.name === service.name)).toEqual(service);
        }
        const back = diffPlans(next, old).services.map(({ service }) => service);
        expect(back.sort()).toEqual([...named].sort());
      }
    }
  });
});

/** Plans with some of six services, each with one of a few settings, from a generator that is always the same. */
async function randomPlans(count: number): Promise<Plan[]> {
  let seed = 7;
  const below = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * limit);
  };
  const plans: Plan[] = [];
  for (let made = 0; made < count; made++) {
    const lines = ["a", "b", "c", "d", "e", "f"].flatMap((name) => {
      const settings = [
        "",
        ", config: { n: 1 }",
        ", config: { n: 2 }",
        ", critical: false",
        ", env: { X: y }",
      ];
      return below(3) === 0 ? [] : [`  ${name}: { module: ./a.ts${settings[below(settings.length)]} }`];
    });
    if (lines.length > 0) plans.push(await planOf(`services:\n${lines.join("\n")}\n`));
  }
  return plans;
}

test("diffPlans() begins consumers of a broker anew when its URL is another one, and nobody else", async () => {
  const services = `
services:
  api: { module: ./a.ts }
  jobs: { module: ./b.ts, consume: { broker: one, queue: jobs } }
  mails: { module: ./b.ts, consume: { broker: two, queue: mails } }
  nightly: { schedule: { cron: "@daily", broker: one, enqueue: report } }
`;
  const old = await planOf(`brokers: { one: redis://:secret99@a, two: "memory:" }${services}`);
  const next = await planOf(`brokers: { two: "memory:", one: redis://:secret98@a }${services}`);
  expect(told(diffPlans(old, next))).toEqual([
    "changed jobs; brokers.one (hidden)",
    "changed nightly; brokers.one (hidden)",
    "brokers; brokers.one (hidden)",
  ]);
});

test("diffPlans() replaces a service with another queue or another time", async () => {
  const yaml = `
services:
  jobs: { module: ./b.ts, consume: { queue: jobs } }
  nightly: { module: ./b.ts, schedule: { cron: "@daily" } }
`;
  const next = yaml.replace("queue: jobs", "queue: jobs, concurrency: 3").replace("@daily", "@hourly");
  expect(told(diffPlans(await planOf(yaml), await planOf(next)))).toEqual([
    "changed jobs; consume.concurrency 10 → 3",
    "changed nightly; schedule.cron @daily → @hourly",
  ]);
});
