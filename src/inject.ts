import type { InjectedRequest, InjectedResponse } from "./core/command.ts";
import { SupervisorError } from "./core/errors.ts";

/** Bytes of an answer that cross to the operator, and how long it may take, in milliseconds. */
const mostBytes = 1_048_576;
const patienceMs = 60_000;

export interface InjectTargets {
  readonly call: (service: string, request: Request) => Promise<Response>;
  /** It is ready, and nothing of it would take a request. */
  readonly hasNoFetch: (service: string) => boolean;
}

/**
 * Sends an operator's request into a service, in the process. Headers of the network (`connection` and the like)
 * mean nothing here.
 *
 * @throws SupervisorError UNSUPPORTED for a service without `fetch`, BAD_REQUEST when it is no request, TOO_LARGE for
 * an answer that is
 */
export async function injectRequest(
  { call, hasNoFetch }: InjectTargets,
  service: string,
  injected: InjectedRequest,
): Promise<InjectedResponse> {
  const request = requestOf(service, injected);
  if (hasNoFetch(service)) {
    const hint = "Export one, or ask a service that answers requests.";
    throw new SupervisorError("UNSUPPORTED", `"${service}" takes no requests: it has no fetch`, hint);
  }
  const response = await call(service, request);
  const body = await textOf(response, service);
  return { status: response.status, headers: [...response.headers], body };
}

function requestOf(service: string, { method, path, headers, body }: InjectedRequest): Request {
  try {
    return new Request(new URL(path, `http://${service}/`), {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      signal: AbortSignal.timeout(patienceMs),
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    const message = `This is no request: ${(error as Error).message}`;
    throw new SupervisorError("BAD_REQUEST", message, "GET and HEAD have no body; a header is NAME: VALUE.", {
      cause: error,
    });
  }
}

async function textOf({ body }: Response, service: string): Promise<string> {
  if (!body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    // Leaving the loop cancels the stream.
    if (bytes > mostBytes) {
      throw new SupervisorError(
        "TOO_LARGE",
        `"${service}" answered with more than 1 MiB`,
        "Ask for less, or use its own address.",
      );
    }
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
