import { apiPrefix } from "./api-prefix.ts";
import type { Parameter, Route } from "./route.ts";
import type { Operation } from "./routes.ts";
import { routes } from "./routes.ts";
import { errorSchema } from "./schemas.ts";

/** The OpenAPI 3.1 description of the API, made from the table of routes. */
export function openApi(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operation, route] of Object.entries(routes) as [Operation, Route][]) {
    const path = `${apiPrefix}${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(operation, route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "supervisor",
      version: "1",
      description:
        "Looks at a running supervisor and changes what it runs. Errors are JSON: code, message, hint.",
    },
    paths,
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function describe(operation: Operation, route: Route): unknown {
  const { summary, body, answer, writes, open } = route;
  return {
    operationId: operation,
    summary,
    ...(open ? {} : { security: [{ token: [] }, {}] }),
    parameters: [...pathParameters(route.path), ...(route.query ?? []).map(queryParameter)],
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: {
      200: {
        description: answer.summary,
        content: { [answer.type]: answer.type === "application/json" ? { schema: answer.schema } : {} },
      },
      ...(writes ? failures.writes : {}),
      default: failure("What went wrong."),
    },
  };
}

const failures = {
  writes: {
    202: { description: "The command was taken, and goes on." },
    409: failure("A step failed; the other members are those of a result."),
    503: failure("FROZEN: a service blocks the event loop."),
    504: failure("STILL_RUNNING: the time-out has passed, and the command goes on."),
  },
};

function failure(description: string): unknown {
  return { description, content: { "application/json": { schema: errorSchema } } };
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameter({ name, schema, summary }: Parameter): unknown {
  return { name, in: "query", schema, description: summary };
}
