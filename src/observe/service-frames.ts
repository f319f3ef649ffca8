import { fileURLToPath } from "node:url";
import { sealed } from "../core/sealed.ts";

/**
 * A stack without the frames of the supervisor that called the service: they are the same for every error. One in
 * which nobody else has a frame stays as it is.
 */
export function serviceFrames(stack: string): string {
  const lines = stack.split("\n");
  const kept = lines.filter((line) => !isFrame(line) || !isOwn(line));
  return kept.some((line) => isFrame(line) && placed.test(line) && !runtimes.test(line))
    ? kept.join("\n")
    : stack;
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

const placed = /:\d+:\d+\)?$/;
const runtimes = /(?:node|ext|native):/;
/** With it every call of a service begins. */
const context = /(?:node:async_hooks|ext:deno_node\/async_hooks\.ts):/;

function isOwn(line: string): boolean {
  return context.test(line) || (isCompiled ? compiled().test(line) : line.includes(root));
}

// Compiled, the source maps tell paths from the folder of the build.
const isCompiled = import.meta.url.includes("$bunfs");
const root = isCompiled ? "" : fileURLToPath(new URL("../", import.meta.url).href);

/** In a sealed executable the services' own paths look alike: there only what calls them is known for ours. */
function compiled(): RegExp {
  return sealed() ? callers : folders;
}

const folders =
  /[ (]src\/(?:core|group|host|http|observe|queue|runtime|schedule|service)\/[\w./-]+\.ts:\d+:\d+\)?$/;
const callers = /[ (]src\/(?:host\/inline|core\/beacon|group\/(?:generations|state-machine))\.ts:\d+:\d+\)?$/;
