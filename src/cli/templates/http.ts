import type { Template } from "./project.ts";
import { projectFiles } from "./project.ts";

/** One HTTP service. */
export function httpTemplate(name: string): Template {
  return {
    files: {
      "services.yaml": servicesYaml(name),
      "services/hello.ts": helloService,
      ...projectFiles(name),
      ".gitignore": "node_modules/\n",
    },
    tryIt: "curl http://127.0.0.1:8080/",
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
