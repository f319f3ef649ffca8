#!/usr/bin/env bun
import process from "node:process";
import { runCli } from "./cli/cli.ts";
import { systemTerminal } from "./cli/terminal.ts";

// A service may leave a timer or a socket behind; the process ends all the same.
process.exit(await runCli(process.argv.slice(2), systemTerminal()));
