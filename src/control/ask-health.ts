import { request as httpRequest } from "node:http";
import { messageOf } from "../core/errors.ts";

/** Where health is answered: the control socket, or the address of admin. */
export type HealthPlace = { readonly socketPath: string } | { readonly url: string };

export interface HealthReply {
  readonly healthy: boolean;
  /** Why not, or `ok`; without a line feed at its end. */
  readonly text: string;
}

/** Asks for `path` (`/readyz`); whatever keeps an answer from coming, also more than `timeoutMs`, is unhealthy. */
export function askHealth(place: HealthPlace, path: string, timeoutMs: number): Promise<HealthReply> {
  return new Promise((resolve) => {
    const done = (healthy: boolean, text: string) => {
      clearTimeout(timer);
      resolve({ healthy, text: text.trimEnd() });
    };
    const headers = { connection: "close", ...("url" in place ? {} : { host: "localhost" }) };
    // As text: the global URL and the one of node:url are two to the types of one runtime.
    const request =
      "url" in place
        ? httpRequest(new URL(path, place.url).href, { headers, agent: false })
        : httpRequest({ path, headers, agent: false, socketPath: place.socketPath });
    const timer = setTimeout(() => {
      done(false, `no answer within ${timeoutMs} ms`);
      request.destroy();
    }, timeoutMs);
    request.once("error", (error) => done(false, messageOf(error)));
    request.once("response", async (response) => {
      let text = "";
      response.setEncoding("utf8");
      try {
        for await (const part of response) text += part;
        done(response.statusCode === 200, text || `the answer is ${response.statusCode}, and nothing else`);
      } catch (error) {
        done(false, messageOf(error));
      }
    });
    request.end();
  });
}
