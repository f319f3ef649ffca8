#!/usr/bin/env bun
import process from "node:process";
import { runCli } from "./cli/cli.ts";
import { flushed, systemTerminal } from "./cli/terminal.ts";

const exitCode = await runCli(process.argv.slice(2), systemTerminal());
await flushed();
// A service may have left a timer or a socket behind; the process ends all the same.
process.exit(exitCode);
