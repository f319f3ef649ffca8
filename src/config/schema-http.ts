import { hostPattern, passedPattern } from "./address.ts";
import { duration, number, object, path, size, string } from "./fields.ts";

/** What `defaults:` may say for all. */
export const limits = object(
  {
    body: size({
      description: "The largest request body; above it the answer is 413.",
      default: "16MiB",
      example: "1MiB",
    }),
    request_timeout: duration({
      description:
        "From the arrival of a request to the headers of its response; above it the answer is 503. `0s` is no limit.",
      default: "0s",
      example: "30s",
    }),
    idle_timeout: duration({
      description: "A connection without traffic is closed after this. `0s` is never.",
      default: "60s",
      example: "2m",
    }),
  },
  {
    description: "What a client may use up.",
    default: "{}",
    example: "{ body: 1MiB, request_timeout: 30s }",
  },
);

const tls = object(
  {
    cert: path({
      description: "The certificate chain, PEM.",
      required: true,
      example: "./tls/cert.pem",
    }),
    key: path({
      description: "The private key, PEM.",
      required: true,
      example: "./tls/key.pem",
    }),
  },
  {
    description: "Serves HTTPS. Services on one port need the same files.",
    example: "{ cert: ./tls/cert.pem, key: ./tls/key.pem }",
  },
);

/** How a service is reached over HTTP. */
export const http = object(
  {
    port: number({
      description:
        "The TCP port; `0` takes any free one. Several services may share one when they differ in `path` or `hostname`. Needed unless `unix` or `listen` is given.",
      min: 0,
      max: 65_535,
      example: "8080",
    }),
    host: string({
      description:
        "The address to listen on. The default is reachable from this machine only; in a container, or to be reached from outside, write `0.0.0.0`, or `${HOST:-127.0.0.1}` to decide it there.",
      pattern: hostPattern,
      rule: "a host name or an IP address",
      default: "127.0.0.1",
      example: "0.0.0.0",
    }),
    unix: path({
      description: "A unix socket to listen on, instead of `port` and `host`.",
      example: "./run/api.sock",
    }),
    listen: string({
      description:
        "`systemd:NAME` is a socket that systemd has opened and passes (socket activation): nobody is refused while this process restarts. `port` and `host`, or `unix`, then say where that socket is, with an IP address or `localhost` for the host; it is checked, and `supervisor systemd` writes the socket unit with it.",
      pattern: passedPattern,
      rule: "systemd: and the name of a socket",
      example: "systemd:web",
    }),
    path: string({
      description:
        "Only requests for this path, or below it, are the service's. Of the services on one port the longest path wins.",
      pattern: /^\/[^?#\s]*$/,
      rule: "a path that begins with /",
      default: "/",
      example: "/api",
    }),
    hostname: string({
      description: "Only requests for this host (the `Host` header) are the service's. Absent: any.",
      pattern: /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
      rule: "a host name without port",
      example: "api.example.com",
    }),
    tls,
    limits,
  },
  {
    description: "Serves the module's `fetch` over HTTP.",
    example: "{ port: 8080 }",
  },
);
