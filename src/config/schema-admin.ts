import type { Address } from "../core/plan.ts";
import { address, bool, justFalse, object, text, union } from "./fields.ts";

const listen = union<Address | false>(
  {
    scalars: [
      address({ description: "An address.", example: "127.0.0.1:6060" }),
      justFalse({ description: "Nothing listens.", example: "false" }),
    ],
  },
  (value) => value,
  {
    description:
      "`host:port`, `unix:PATH` (a socket with mode 0600), `systemd:NAME` (a socket that systemd passes), or `false` for none.",
    default: "127.0.0.1:6060",
    example: "unix:./run/admin.sock",
  },
);

const adminBlock = object(
  {
    listen,
    token: text({
      description:
        "Whoever uses `/api/v1` or `/metrics` has to send it, as `authorization: Bearer TOKEN`; health needs none. Empty is none: then the API answers on addresses of this machine only.",
      default: "",
      example: "${ADMIN_TOKEN:-}",
    }),
    read_only: bool({
      description: "`true` refuses whatever would change something here; the control socket still takes it.",
      default: "false",
      example: "true",
    }),
  },
  { description: "", example: "{ listen: 127.0.0.1:6060 }", default: "{}" },
);

interface AdminSettings {
  readonly listen: Address | false;
  readonly token: string;
  readonly read_only: boolean;
}

/** What listens for operators. */
export const admin = union<AdminSettings | false>(
  {
    scalars: [justFalse({ description: "No admin HTTP.", example: "false" })],
    map: adminBlock,
  },
  (value) => value,
  {
    description:
      "The supervisor's own HTTP: `/healthz`, `/livez`, `/readyz`, `/metrics`, and the API below `/api/v1`. Its thread starts first, listens when the services are ready or 100 ms later at the latest, stops last, and answers while a service blocks the main thread. `false` is none.",
    default: "{}",
    example: "{ listen: 127.0.0.1:6060 }",
  },
);
