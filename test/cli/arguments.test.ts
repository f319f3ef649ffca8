import { describe, expect, test } from "bun:test";
import { parseArguments, parseCommand } from "../../src/cli/arguments.ts";
import { commandNames, commandTable } from "../../src/cli/table.ts";
import { SupervisorError } from "../../src/core/errors.ts";

/** The message and hint of the usage error that `work` throws. */
function usageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SupervisorError && error.code === "USAGE") return `${error.message}. ${error.hint}`;
    throw error;
  }
  throw new Error("no usage error");
}

describe("parseCommand()", () => {
  test("knows every command", () => {
    expect(parseCommand(["graph", "-h"])).toEqual({ name: "graph", args: ["-h"] });
    expect(parseCommand(["queue", "drain", "mail"])).toEqual({ name: "queue drain", args: ["mail"] });
  });

  test("suggests the nearest command", () => {
    expect(usageOf(() => parseCommand(["chekc"]))).toBe('unknown command "chekc". Did you mean "check"?');
  });

  test("lists the commands when none is near", () => {
    expect(usageOf(() => parseCommand(["frobnicate"]))).toContain("Commands: run, check, doctor, plan");
  });

  test("suggests run for a file", () => {
    expect(usageOf(() => parseCommand(["my.yaml"]))).toContain('Did you mean "supervisor run my.yaml"?');
  });

  test("knows what belongs to a group, and suggests within it", () => {
    expect(parseCommand(["queue"])).toEqual({ group: "queue", help: false });
    expect(parseCommand(["cron", "-h"])).toEqual({ group: "cron", help: true });
    expect(usageOf(() => parseCommand(["task", "retyr", "x"]))).toBe(
      'unknown command "task retyr". Did you mean "task retry"?',
    );
    expect(usageOf(() => parseCommand(["queue", "list"]))).toBe(
      'unknown command "queue list". Commands: queue ls, queue inspect, queue history, queue pause, queue resume, queue drain',
    );
    expect(usageOf(() => parseCommand(["queues", "ls"]))).toContain('Did you mean "queue"?');
  });

  test("takes no names that every object has", () => {
    expect(usageOf(() => parseCommand(["constructor"]))).toContain('unknown command "constructor"');
  });
});

describe("parseArguments()", () => {
  test("separates options from positionals, in any order", () => {
    expect(parseArguments("run", ["a.yaml", "--env", "prod", "api", "--stop-report=x.json"])).toEqual({
      positionals: ["a.yaml", "api"],
      options: { env: "prod", "stop-report": "x.json" },
    });
  });

  test.each(commandNames.filter((name) => "json" in commandTable[name].options))(
    "takes --json, -o json and --output=json for one: %s",
    (name) => {
      const words = name === "inject" ? ["a", "GET", "/"] : "least" in commandTable[name] ? ["a"] : [];
      for (const spelling of [["--json"], ["-o", "json"], ["--output=json"]]) {
        expect(parseArguments(name, [...words, ...spelling])).toMatchObject({ options: { json: true } });
      }
      expect(parseArguments(name, words)).not.toMatchObject({ options: { json: true } });
      expect(usageOf(() => parseArguments(name, [...words, "-o", "yaml"]))).toContain('-o cannot be "yaml"');
    },
  );

  test("takes what follows -- as positionals", () => {
    expect(parseArguments("run", ["--", "--env"])).toEqual({ positionals: ["--env"], options: {} });
  });

  test("says help for --help and -h, whatever else is there", () => {
    expect(parseArguments("check", ["--help"])).toBe("help");
    expect(parseArguments("plan", ["services.yaml", "-h"])).toBe("help");
  });

  const wrong: [args: string[], message: string][] = [
    [["--js"], 'unknown option "--js" for check. Did you mean "--json"?'],
    [["--jsno"], 'unknown option "--jsno" for check. Did you mean "--json"?'],
    [["--frobnicate"], 'unknown option "--frobnicate" for check. Options: --env, --json, --output, --help'],
    [["-x"], 'unknown option "-x" for check. Options: --env, --json, --output, --help'],
    [["--constructor"], 'unknown option "--constructor" for check. Options: --env, --json, --output, --help'],
    [["--env"], "--env needs a value. Write --env NAME."],
    [["--env="], "--env needs a value. Write --env NAME."],
    [["--env", "--json"], "--env needs a value. Write --env NAME."],
    [["--json=yes"], "--json takes no value. Write --json alone."],
  ];
  test.each(wrong)("refuses %j", (args, message) => {
    expect(usageOf(() => parseArguments("check", args))).toBe(message);
  });

  test("takes a value that begins with a dash after =", () => {
    expect(parseArguments("check", ["--env=-x"])).toEqual({ positionals: [], options: { env: "-x" } });
  });

  test("refuses a value outside of the choices, with the nearest", () => {
    expect(usageOf(() => parseArguments("graph", ["--format", "mermiad"]))).toBe(
      '--format cannot be "mermiad". Did you mean "mermaid"?',
    );
    expect(usageOf(() => parseArguments("graph", ["--format", "png"]))).toBe(
      '--format cannot be "png". Known: text, mermaid, dot',
    );
  });

  test("refuses an argument that is needed and empty", () => {
    const needs = "queue inspect needs NAME. For example: supervisor queue inspect mail";
    expect(usageOf(() => parseArguments("queue inspect", [""]))).toBe(needs);
    expect(usageOf(() => parseArguments("queue inspect", []))).toBe(needs);
    expect(parseArguments("task enqueue", ["x", ""])).toMatchObject({ positionals: ["x", ""] });
  });

  test("refuses more positionals than the command takes", () => {
    expect(usageOf(() => parseArguments("schema", ["x"]))).toBe(
      '"x" is one argument too many for schema. It takes none.',
    );
    expect(usageOf(() => parseArguments("init", ["a", "b"]))).toBe(
      '"b" is one argument too many for init. It takes [DIR].',
    );
  });
});
