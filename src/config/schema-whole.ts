import { duration, object, oneOf } from "./fields.ts";

/* What holds for all services together. */

export const log = object(
  {
    level: oneOf(["debug", "info", "warn", "error"], {
      description: "Records below this level are not written.",
      default: "info",
      example: "debug",
    }),
    format: oneOf(["auto", "pretty", "json"], {
      description:
        "`auto` is pretty on a terminal, entries with a field for each field in systemd's journal, and JSON lines otherwise.",
      default: "auto",
      example: "json",
    }),
  },
  { description: "What is logged, and how.", default: "{}", example: "{ level: debug }" },
);

export const shutdown = object(
  {
    timeout: duration({
      description:
        "The whole budget from the signal to the exit. Every other deadline is taken from it; what does not fit is an error.",
      default: "30s",
      min: 1,
      example: "20s",
    }),
    delay: duration({
      description:
        "Not ready but still serving for this long before the first service stops, so that load balancers can look elsewhere.",
      default: "0s",
      example: "5s",
    }),
    order: oneOf(["reverse", "graph"], {
      description:
        "`reverse` stops one service after the other, last started first; `graph` stops at the same time whatever `depends_on` allows.",
      default: "reverse",
      example: "graph",
    }),
    streams_timeout: duration({
      description:
        "How long server-sent events and WebSockets may take to end once their service drains; then they are cut.",
      default: "1s",
      example: "3s",
    }),
  },
  { description: "How everything stops.", default: "{}", example: "{ timeout: 20s, delay: 5s }" },
);
