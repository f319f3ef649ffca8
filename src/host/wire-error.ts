import type { ErrorCode } from "../core/errors.ts";
import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import type { Locate, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { WireError } from "./worker-protocol.ts";

const deepest = 4;

/** Whatever was thrown, in a form that crosses threads. `paths`: see `locatorOf`. */
export function toWire(thrown: unknown, paths?: WireError["paths"], depth = 0): WireError {
  if (!(thrown instanceof Error)) return { name: "Error", message: messageOf(thrown) };
  const { code, hint } = thrown as { code?: unknown; hint?: unknown };
  const inner = (error: unknown) => toWire(error, undefined, depth + 1);
  return {
    name: String(thrown.name),
    message: String(thrown.message),
    ...(typeof thrown.stack === "string" ? { stack: thrown.stack } : {}),
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    ...(thrown.cause !== undefined && depth < deepest ? { cause: inner(thrown.cause) } : {}),
    ...(thrown instanceof AggregateError && depth < deepest ? { errors: thrown.errors.map(inner) } : {}),
    ...(thrown instanceof ProblemsError ? { problems: thrown.problems, paths: paths ?? [] } : {}),
  };
}

/**
 * An error like the one that crossed: the same name, message, stack, code and cause, of the same class where that
 * decides something. `locate` finds the places of problems; without it they have none.
 */
export function fromWire(wire: WireError, locate: Locate = () => undefined): Error {
  const error = sameKind(wire, locate);
  const { name, stack, code } = wire;
  if (error.name !== name) define(error, "name", name);
  if (stack !== undefined) define(error, "stack", stack);
  if (code !== undefined && !("code" in error)) Object.assign(error, { code });
  return error;
}

/** In the thread, where services.yaml is not known: a `Locate` whose positions are the numbers of their paths. */
export function locatorOf(paths: (readonly (string | number)[])[]): Locate {
  return (path) => ({ file: "", line: paths.push(path) - 1, column: 0, text: "", length: 0 });
}

function sameKind(wire: WireError, locate: Locate): Error {
  const { message, hint = "", code } = wire;
  const options = wire.cause ? { cause: fromWire(wire.cause) } : undefined;
  if (wire.problems) return new ProblemsError(wire.problems.map((each) => located(each, wire, locate)));
  if (wire.errors)
    return new AggregateError(
      wire.errors.map((each) => fromWire(each)),
      message,
      options,
    );
  if (wire.name === "SupervisorError" && code !== undefined && code in errorCodes) {
    return new SupervisorError(code as ErrorCode, message, hint, options);
  }
  const Kind = builtIn[wire.name as keyof typeof builtIn] ?? Error;
  return new Kind(message, options);
}

const builtIn = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function located(problem: Problem, { paths = [] }: WireError, locate: Locate): Problem {
  const { position, ...rest } = problem;
  // A place in a file of code was known over there already.
  if (position && position.file !== "") return problem;
  const path = position && paths[position.line];
  const found = path && locate(path);
  return found ? { ...rest, position: found } : rest;
}

function define(error: Error, name: "name" | "stack", value: string): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}
