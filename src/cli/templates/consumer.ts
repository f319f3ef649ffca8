import type { Template } from "./project.ts";
import { projectFiles } from "./project.ts";

/** An HTTP service that enqueues, and one that does the work later, in order for each name. */
export function consumerTemplate(name: string): Template {
  return {
    files: {
      "services.yaml": servicesYaml(name),
      "services/api.ts": apiService,
      "services/greeter.ts": greeterService,
      ...projectFiles(name),
      ".gitignore": "node_modules/\ndata/\n",
    },
    tryIt: "curl -X POST 'http://127.0.0.1:8080/?name=Ada'",
  };
}

const servicesYaml = (name: string) => `# yaml-language-server: $schema=./services.schema.json
name: ${name}

brokers:
  main: sqlite:./data/queue.db # a file, durable and without a server; redis://127.0.0.1:6379 works the same

services:
  api:
    module: ./services/api.ts
    http: { port: 8080 }

  greeter:
    module: ./services/greeter.ts
    consume: { queue: default, key: data.name }
    schedule: "@every 1m"
`;

const apiService = `import type { Context, Service } from "supervisor";

export default (ctx: Context) =>
  ({
    async fetch(request) {
      const name = new URL(request.url).searchParams.get("name") ?? "world";
      // Resolves when the broker has it for good: from then on it will be done, whatever happens here.
      const { id } = await ctx.queue().enqueue("greet", { name });
      return Response.json({ id }, { status: 202 });
    },
  }) satisfies Service;
`;

const greeterService = `import type { Service } from "supervisor";

let greeted = 0;

export default {
  // Returning settles the task; throwing means another attempt later, with a growing wait between them.
  tasks: {
    greet(message, ctx) {
      greeted++;
      ctx.log.info("hello", { to: (message.data as { name: string }).name });
    },
  },

  scheduled(_tick, ctx) {
    ctx.log.info("greeted so far", { greeted });
  },
} satisfies Service;
`;
