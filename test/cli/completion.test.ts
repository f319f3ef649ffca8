import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bashScript } from "../../src/cli/completion/bash.ts";
import { fishScript } from "../../src/cli/completion/fish.ts";
import { zshScript } from "../../src/cli/completion/zsh.ts";

const isThere = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const skipped = (shell: string) => (isThere(shell) ? "" : ` (skipped: ${shell} is not installed)`);

/** What a shell prints for `input`, in a folder with files and a supervisor that has two services. */
function run(shell: string, args: readonly string[], input: string, more: readonly string[] = []): string[] {
  const folder = mkdtempSync(join(tmpdir(), "supervisor-completion-"));
  try {
    for (const name of ["services.yaml", "services.prod.yaml", "api.ts", ...more])
      writeFileSync(join(folder, name), "");
    writeFileSync(join(folder, "supervisor"), "#!/bin/sh\necho api\necho payments\n", { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, HOME: folder };
    const { stdout, stderr } = spawnSync(shell, [...args], { cwd: folder, env, input, encoding: "utf8" });
    if (stderr !== "") throw new Error(stderr);
    return stdout.split("\n").filter(Boolean).sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is offered for the last word of `line`, as bash asks the function that the script has named. */
function bash(line: string): string[] {
  return bashWords(line.split(" "));
}

/** As bash has split the line: at `=` too. `files` are beside the others in the folder. */
function bashWords(words: readonly string[], ...files: string[]): string[] {
  const given = words.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(${given}); COMP_CWORD=${words.length - 1}; _supervisor; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run("bash", ["--norc", "--noprofile", "-s"], `${bashScript("supervisor")}\n${ask}\n`, files);
}

describe.skipIf(!isThere("bash"))(`bashScript()${skipped("bash")}`, () => {
  test("completes commands, and the second word of a group", () => {
    expect(bash("supervisor st")).toEqual(["start", "status", "stop"]);
    expect(bash("supervisor queue p")).toEqual(["pause"]);
    expect(bash("supervisor --ver")).toEqual(["--version"]);
  });

  test("completes the options of a command, and the values that an option may have", () => {
    expect(bash("supervisor reload --d")).toEqual(["--dry-run"]);
    expect(bash("supervisor queue ls --bro")).toEqual(["--broker"]);
    expect(bash("supervisor status -o ")).toEqual(["json", "table", "wide"]);
    expect(bash("supervisor completion ")).toEqual(["bash", "fish", "zsh"]);
  });

  test("completes the services that the supervisor names, where a service may stand", () => {
    expect(bash("supervisor restart ")).toEqual(["api", "payments"]);
    expect(bash("supervisor logs -f pay")).toEqual(["payments"]);
    expect(bash("supervisor cron run a")).toEqual(["api"]);
    expect(bash("supervisor version ")).toEqual([]);
  });

  test("completes a services.yaml and services after run, no other files", () => {
    expect(bash("supervisor run ")).toEqual(["api", "payments", "services.prod.yaml", "services.yaml"]);
    expect(bash("supervisor run --stop-report a")).toEqual(["api.ts"]);
  });

  test("completes the value after --option=", () => {
    expect(bashWords(["supervisor", "status", "--output", "="])).toEqual(["json", "table", "wide"]);
    expect(bashWords(["supervisor", "status", "--output", "=", "w"])).toEqual(["wide"]);
    expect(bashWords(["supervisor", "run", "--stop-report", "=", "a"])).toEqual(["api.ts"]);
  });

  test("completes a path with a space, whether it is quoted or escaped so far", () => {
    const offered = ["my services.yaml"];
    for (const typed of ["my", "my\\ s", '"my s']) {
      expect(bashWords(["supervisor", "run", typed], "my services.yaml")).toEqual(offered);
    }
    expect(bashWords(["supervisor", "run", "--stop-report", "my"], "my services.yaml")).toEqual(offered);
  });

  test("names the program that it is for", () => {
    expect(bashScript("app")).toContain("complete -F _supervisor app\n");
  });
});

describe.skipIf(!isThere("zsh"))(`zshScript()${skipped("zsh")}`, () => {
  /** `_describe` and `compadd` are zsh's own: here they print what they are given. */
  function zsh(line: string): string[] {
    const words = line.split(" ");
    const stubs = `compdef() { :; }
compadd() { shift; print -rl -- "$@"; }
_describe() { local each; for each in "\${(@P)2}"; do print -r -- "\${each%%:*}"; done; }
_files() { print -r -- files "$@"; }`;
    const ask = `words=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length}; _supervisor`;
    return run("zsh", ["-f", "-s"], `${stubs}\n${zshScript("supervisor")}\n${ask}\n`);
  }

  test("offers commands, verbs, options, values and services", () => {
    expect(zsh("supervisor ")).toContain("healthcheck");
    expect(zsh("supervisor cron ")).toEqual(["history", "ls", "next", "pause", "resume", "run"]);
    expect(zsh("supervisor reload --")).toContain("--dry-run");
    expect(zsh("supervisor status -o ")).toEqual(["json", "table", "wide"]);
    expect(zsh("supervisor stop ")).toEqual(["api", "payments"]);
    expect(zsh("supervisor check ")).toEqual(["api", "files -g *.(yaml|yml)", "payments"]);
  });
});

describe.skipIf(!isThere("fish"))(`fishScript()${skipped("fish")}`, () => {
  function fish(line: string): string[] {
    const found = run("fish", ["--no-config"], `${fishScript("supervisor")}\ncomplete -C '${line}'\n`);
    return found.map((each) => each.split("\t")[0] as string);
  }

  test("offers commands, verbs, options, values and services", () => {
    expect(fish("supervisor st")).toEqual(["start", "status", "stop"]);
    expect(fish("supervisor queue p")).toEqual(["pause"]);
    expect(fish("supervisor reload --d")).toEqual(["--dry-run"]);
    expect(fish("supervisor status -o ")).toEqual(["json", "table", "wide"]);
    expect(fish("supervisor restart ")).toEqual(["api", "payments"]);
    expect(fish("supervisor run serv")).toEqual(["services.prod.yaml", "services.yaml"]);
  });
});
