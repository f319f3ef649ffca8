import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import type { System } from "../support/system.ts";
import { startFile, startProgram } from "../support/system.ts";
import { describeTargets, programCommand } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const root = join(import.meta.dir, "../..");
const slow = 30_000;

/** Each example does what its README says. */
describeTargets("the examples", (target) => {
  const start = (name: string, env: Record<string, string>) =>
    startFile(target, join(root, "examples", name, "services.yaml"), { env });

  test(
    "01: morning and evening answer, and evening stops first",
    async () => {
      await using system = start("01-morning-evening", { MORNING_PORT: "0", EVENING_PORT: "0" });
      await system.ready();
      expect(await textOf(await system.url("morning"))).toBe("Good morning!\n");
      expect(await textOf(await system.url("evening"))).toBe("Good evening!\n");
      expect((await system.stop("SIGINT")).code).toBe(0);
      expect(stopsOf(system)).toEqual(["evening stopped", "morning stopped"]);
      expect(messagesOf(system, "evening")).toContain("the lamps are out");
    },
    slow,
  );

  test(
    "03: what was asked over TCP is answered before the process exits",
    async () => {
      await using system = start("03-tcp-http", { TCP_PORT: "0", HTTP_PORT: "0" });
      await system.ready();
      const { address } = await system.record((line) => line.service === "tcp" && line.msg === "listening");
      const port = (address as { port: number }).port;
      const lookup = `${await system.url("http")}/lookup?topic=orders`;
      using first = await openLines(port);
      await first.ask("REGISTER orders host-1");
      expect(await (await fetch(lookup)).json()).toEqual({ topic: "orders", producers: ["host-1"] });

      using last = await openLines(port);
      const answer = last.ask("REGISTER orders host-2");
      await Bun.sleep(100); // the registration takes 500 ms
      const ending = system.stop();
      await system.record((line) => line.msg.startsWith("stopped") && line.service === "http");
      // The turn of tcp begins with that record; its listener is closed a moment later.
      expect(await until(() => refuses(port), Boolean)).toBe(true);
      expect(await answer).toBe("OK");
      expect(await last.rest()).toBe("BYE\n");
      expect((await ending).code).toBe(0);
      expect(stopsOf(system)).toEqual(["http stopped", "tcp stopped"]);
    },
    slow,
  );

  test(
    "04: the gateway asks its backends without a network",
    async () => {
      await using system = start("04-gateway", { PORT: "0" });
      await system.ready();
      const gateway = await system.url("gateway");
      expect(await (await fetch(`${gateway}/orders/1`)).json()).toEqual({
        id: "1",
        item: "a book about engines",
        customer: { id: "7", name: "Ada" },
      });
      expect(await (await fetch(`${gateway}/customers/8`)).json()).toEqual({ id: "8", name: "Grace" });
      expect((await fetch(`${gateway}/orders/9`)).status).toBe(404);
      expect((await system.stop()).code).toBe(0);
      expect(stopsOf(system)).toEqual(["gateway stopped", "orders stopped", "customers stopped"]);
    },
    slow,
  );

  test(
    "05: the event stream says goodbye, the WebSocket closes with 1001",
    async () => {
      await using system = start("05-streams", { PORT: "0" });
      await system.ready();
      const live = await system.url("live");
      expect(await textOf(live)).toStartWith("<!doctype html>");
      const { body } = await fetch(`${live}/events`);
      const events = new Response(body).text();
      const socket = new WebSocket(`${live.replace("http", "ws")}/echo`);
      await once(socket, "open");
      socket.send("hello");
      const [message] = await once(socket, "message");
      expect(message.data).toBe("you said: hello");
      const closed = once(socket, "close");
      const { code } = await system.stop("SIGINT");
      expect((await closed)[0].code).toBe(1001);
      expect(await events).toMatch(/^event: time\ndata: .*Z\n[\s\S]*event: bye\ndata: the server stops\n\n$/);
      expect(code).toBe(0);
      expect(stopsOf(system)).toEqual(["live stopped"]);
      // Not one of the two had to be cut.
      expect(system.report().services[0]?.held).toBeUndefined();
    },
    slow,
  );

  test(
    "06: the api starts after the migration, which starts after the database",
    async () => {
      await using system = start("06-migration", { PORT: "0" });
      await system.ready();
      const steps = ["connected", "created table books", "completed", "tables: books"];
      expect(system.log.map((line) => line.msg).filter((msg) => steps.includes(msg))).toEqual(steps);
      const books = (await (await fetch(await system.url("api"))).json()) as { title: string }[];
      expect(books.map((book) => book.title)).toEqual(["The Mythical Man-Month", "Programming Pearls"]);
      expect((await system.stop("SIGINT")).code).toBe(0);
      expect(stopsOf(system)).toEqual(["api stopped", "migrate completed", "database stopped"]);
    },
    slow,
  );

  test(
    "07: payments comes back after its backoff, newsletter from its quarantine",
    async () => {
      await using system = start("07-flaky", { PORT: "0", ADMIN: "127.0.0.1:0" });
      await system.ready();
      expect(messagesOf(system, "payments").filter((msg) => / retry \d+ in /.test(msg))).toHaveLength(2);
      expect(messagesOf(system, "payments")).toContain("connected in life 3");
      const shop = await system.url("shop");
      expect(await (await fetch(shop)).json()).toEqual({
        payments: "up",
        newsletter: expect.stringMatching(/^down, try again in \d+ s$/),
      });
      const readyz = `${await system.url()}/readyz?verbose`;
      const degraded = await fetch(readyz);
      expect(degraded.status).toBe(200);
      expect(await degraded.text()).toMatch(/newsletter .*quarantined/);
      await system.record((line) => line.service === "newsletter" && line.msg === "ready");
      expect(await (await fetch(shop)).json()).toEqual({ payments: "up", newsletter: "up" });
      expect(await textOf(readyz)).toContain("[+]newsletter ok");
      expect((await system.stop("SIGINT")).code).toBe(0);
    },
    slow,
  );

  test(
    "08: the api answers while both threads count, and one that never ends is replaced",
    async () => {
      await using system = start("08-isolation", { PORT: "0", ADMIN: "127.0.0.1:0" });
      await system.ready();
      const api = await system.url("api");
      const count = async () =>
        (await (await fetch(`${api}/primes?below=200000`)).json()) as { primes: number; thread: string };
      const counts = await Promise.all(Array.from({ length: 6 }, count));
      expect(counts.map(({ primes }) => primes)).toEqual(new Array(6).fill(17_984));
      expect(new Set(counts.map(({ thread }) => thread))).toEqual(new Set(["1", "2"]));
      const endless = fetch(`${api}/primes?below=forever`);
      expect(await textOf(api)).toBe("at once\n");
      expect((await endless).status).toBe(503);
      expect((await count()).primes).toBe(17_984);
      await system.record((line) => line.service === "primes" && line.msg.includes("is replaced"));
      expect((await system.stop("SIGINT")).code).toBe(0);
    },
    slow,
  );

  test(
    "09: what is paid stays paid, what nobody pays is closed, and the report comes by itself",
    async () => {
      using data = tempDir();
      const env = { DATA: data.path, PORT: "0", ADMIN: "127.0.0.1:0", PAY_WITHIN: "1s", REPORT: "@every 1s" };
      await using system = start("09-orders", env);
      await system.ready();
      const api = await system.url("api");
      const order = async () =>
        ((await (await fetch(`${api}/orders`, { method: "POST" })).json()) as { id: string }).id;
      const stateOf = async (id: string) =>
        ((await (await fetch(`${api}/orders/${id}`)).json()) as { state: string }).state;
      const [paid, unpaid] = [await order(), await order()];
      const pay = async () =>
        await (await fetch(`${api}/orders/${paid}/payments/p-${paid}`, { method: "POST" })).json();
      expect(await pay()).toEqual({ accepted: true });
      await until(
        () => stateOf(paid),
        (state) => state === "paid",
      );
      // The provider calls a second time when the first one is long done.
      expect(await pay()).toEqual({ accepted: false });
      await until(
        () => stateOf(unpaid),
        (state) => state === "closed",
      );
      expect([await stateOf(paid), await stateOf(unpaid)]).toEqual(["paid", "closed"]);
      await system.record((line) => line.service === "report" && line.closed === 1 && line.paid === 1);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "10: every order takes its steps in order, although some fail at first",
    async () => {
      using data = tempDir();
      await using system = start("10-ordered", { DATA: data.path, PORT: "0" });
      await system.ready();
      const journal = await system.url("journal");
      await fetch(`${journal}/?orders=10&steps=5`, { method: "POST" });
      const steps = async () => (await (await fetch(journal)).json()) as Record<string, number[]>;
      await until(steps, (all) => Object.values(all).flat().length === 50);
      const inOrder = Array.from({ length: 10 }, (_, order) => [`o${order}`, [1, 2, 3, 4, 5]]);
      expect(await steps()).toEqual(Object.fromEntries(inOrder));
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "11: the critical queue goes first, and the low one does not starve",
    async () => {
      using data = tempDir();
      await using system = start("11-weighted", { DATA: data.path, PORT: "0" });
      await system.ready();
      const mailer = await system.url("mailer");
      await fetch(`${mailer}/?each=60`, { method: "POST" });
      const sent = async () => (await (await fetch(mailer)).json()) as string[];
      const all = await until(sent, ({ length }) => length === 180);
      expect(all.length).toBe(180);
      const among = (queue: string) => all.slice(0, 60).filter((each) => each === queue).length;
      expect(among("critical")).toBeGreaterThan(among("low"));
      expect(among("low")).toBeGreaterThan(0);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "12: the last step has what all steps before it made",
    async () => {
      using data = tempDir();
      await using system = start("12-chain", { DATA: data.path, PORT: "0" });
      await system.ready();
      const invoice = `${await system.url("invoices")}/invoices/7`;
      expect((await fetch(invoice)).status).toBe(404);
      await fetch(invoice, { method: "POST" });
      const found = async () => (await (await fetch(invoice)).text()).trim();
      const result = await until(found, (text) => text.includes("sent"));
      expect(JSON.parse(result)).toEqual({ sent: "invoice 7, signed" });
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "13: the events of each customer become one digest",
    async () => {
      using data = tempDir();
      await using system = start("13-aggregation", { DATA: data.path, PORT: "0" });
      await system.ready();
      const digest = await system.url("digest");
      for (const [customer, event] of [
        ["ada", "seen"],
        ["grace", "seen"],
        ["ada", "bought"],
      ]) {
        await fetch(`${digest}/?customer=${customer}&event=${event}`, { method: "POST" });
      }
      const sent = async () =>
        (await (await fetch(digest)).json()) as { customer: string; events: string[] }[];
      const all = await until(sent, ({ length }) => length === 2);
      expect(all.toSorted((a, b) => a.customer.localeCompare(b.customer))).toEqual([
        { customer: "ada", events: ["seen", "bought"] },
        { customer: "grace", events: ["seen"] },
      ]);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "services.yaml of this repository: everything is ready, the page, the gateway and the books answer",
    async () => {
      const file = join(root, "services.yaml");
      using data = tempDir();
      await using system = startFile(target, file, {
        env: { DATA: data.path, PORT: `${await freePort()}`, ADMIN: "127.0.0.1:0" },
      });
      await system.ready();
      expect(await textOf(await system.url("live"))).toStartWith("<!doctype html>");
      expect((await fetch(`${await system.url("gateway")}/1`)).status).toBe(200);
      expect((await fetch(await system.url("books"))).status).toBe(200);
      expect(await (await fetch(await system.url("digests"))).json()).toEqual([]);
      expect((await fetch(`${await system.url()}/readyz`)).status).toBe(200);
      const problems = system.log.filter((line) => !["info", "debug"].includes(line.level));
      expect(problems).toEqual([]);
      expect((await system.stop("SIGINT")).code).toBe(0);
    },
    slow,
  );
});

describeTargets("the library example", (target) => {
  const main = join(root, "examples/02-library/main.ts");
  test.skipIf(target.name === "binary")(
    target.name === "binary"
      ? "02 (skipped: a binary runs no main.ts)"
      : "02: both servers answer and stop in order",
    async () => {
      const [morning, evening] = [await freePort(), await freePort()];
      const env = { MORNING_PORT: `${morning}`, EVENING_PORT: `${evening}` };
      await using system = startProgram(target, programCommand(target, main), { env });
      await system.ready();
      // A service by withStart counts as ready once it was called: it may not listen yet.
      await until(
        () => refuses(morning),
        (refused) => !refused,
      );
      await until(
        () => refuses(evening),
        (refused) => !refused,
      );
      expect(await textOf(`http://127.0.0.1:${morning}`)).toBe("Good morning!\n");
      expect(await textOf(`http://127.0.0.1:${evening}`)).toBe("Good evening!\n");
      expect((await system.stop("SIGINT")).code).toBe(0);
      const stops = system.log.filter((line) => /^stopped \(/.test(line.msg)).map((line) => line.service);
      expect(stops).toEqual(["evening", "morning"]);
    },
    slow,
  );
});

describeTargets("a program elsewhere", (target) => {
  const isProgram = target.name === "bun" || target.name === "deno";
  test.skipIf(!isProgram)(
    `finds the library as the README says${isProgram ? "" : " (skipped: a binary runs no main.ts)"}`,
    async () => {
      const text = readFileSync(join(root, "README.md"), "utf8");
      const line = new RegExp(`^- ${target.name}: \`(.*)\` in its (\\S+\\.json)\\.$`, "im").exec(text);
      const [, settings = "", file = ""] = line ?? [];
      using folder = tempDir({
        [file]: settings.replace("PATH/TO/CLONE", root),
        "main.ts": `import { ServiceGroup, withStart } from "supervisor";
const group = new ServiceGroup();
group.add(withStart(async () => {}), { name: "morning" });
console.log((await group.start()).outcome);
`,
      });
      const [command = "", ...args] = programCommand(target, join(folder.path, "main.ts"));
      const { stdout, status } = spawnSync(command, args, { cwd: folder.path, encoding: "utf8" });
      expect({ stdout, status }).toEqual({ stdout: "clean\n", status: 0 });
    },
    slow,
  );
});

/** Whether nobody listens on `port`. */
async function refuses(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(200) }).then(
    () => false,
    (error: Error & { code?: string }) => error.code === "ECONNREFUSED",
  );
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}

function stopsOf(system: System): string[] {
  return system.report().services.map((stop) => `${stop.service} ${stop.outcome}`);
}

function messagesOf(system: System, service: string): string[] {
  return system.log.filter((line) => line.service === service).map((line) => line.msg);
}

/** A connection that asks in lines; rejects when nobody listens. */
async function openLines(port: number) {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await once(socket, "connect");
  return {
    async ask(line: string): Promise<string> {
      socket.write(`${line}\n`);
      while (!text.includes("\n")) await once(socket, "data");
      const end = text.indexOf("\n");
      const answer = text.slice(0, end);
      text = text.slice(end + 1);
      return answer;
    },
    /** What comes until the other side closes. */
    async rest(): Promise<string> {
      await closed;
      return text;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
