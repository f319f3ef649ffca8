import { map, object, string, union } from "./fields.ts";

const url = {
  rule: "a URL, such as sqlite:./data/queue.db or redis://127.0.0.1:6379/0",
  example: "sqlite:./data/queue.db",
} as const;

const broker = union<string>(
  {
    scalars: [string({ ...url, description: "The URL of the broker." })],
    map: object(
      { url: string({ ...url, description: "The URL of the broker.", required: true }) },
      { description: "A broker.", example: "{ url: redis://127.0.0.1:6379/0 }" },
    ),
  },
  (value, shape) => (shape === "map" ? (value as { url?: string }).url : value),
  { description: "One broker.", example: "sqlite:./data/queue.db" },
);

/** Where queues and schedules are kept, by name. */
export const brokers = map(broker, {
  description:
    "Where queues and schedules are kept, by name; the first one is what services get that name none. `sqlite:PATH` is a file that is made when it is absent: durable, and no server. `redis://HOST:PORT/DB` (`rediss:` with TLS; `redis+sentinel:` and `redis+cluster:` for several) has asynq's own format. `memory:` forgets everything at the end. When nothing is written here and a service has `consume` or `schedule`, there is one: `main: sqlite:./data/queue.db`. A password in a URL is kept out of messages and logs.",
  default: "{}",
  example: "{ main: sqlite:./data/queue.db }",
});
