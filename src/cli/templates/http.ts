import { jsonSchema } from "../../config/json-schema.ts";
import { supervisorTypes } from "./supervisor-types.ts";

/** The files of a project with one HTTP service, by path. It needs nothing installed. */
export function httpTemplate(name: string): Readonly<Record<string, string>> {
  return {
    "services.yaml": servicesYaml(name),
    "services/hello.ts": helloService,
    // No start script: npm would send Ctrl-C a second time, and a second signal ends the supervisor at once.
    "package.json": json({ name, private: true, type: "module" }),
    "tsconfig.json": json(tsconfig),
    "supervisor.d.ts": supervisorTypes,
    "services.schema.json": json(jsonSchema()),
    ".gitignore": "node_modules/\n",
  };
}

const servicesYaml = (name: string) => `# yaml-language-server: $schema=./services.schema.json
name: ${name}

services:
  hello:
    module: ./services/hello.ts
    http: { port: 8080 }
`;

const helloService = `import type { Service } from "supervisor";

let greeted = 0;

export default {
  start(ctx) {
    ctx.log.info("ready to greet");
  },

  fetch(request) {
    const name = new URL(request.url).searchParams.get("name") ?? "world";
    greeted++;
    return Response.json({ hello: name, greeted });
  },

  stop(ctx) {
    ctx.log.info("goodbye", { greeted });
  },
} satisfies Service;
`;

const tsconfig = {
  compilerOptions: {
    target: "ESNext",
    lib: ["ESNext", "DOM", "DOM.Iterable"],
    module: "Preserve",
    moduleResolution: "bundler",
    types: [],
    noEmit: true,
    strict: true,
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  },
  include: ["services", "supervisor.d.ts"],
};

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
