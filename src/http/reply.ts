/** What the supervisor itself answers. Every answer is JSON with a member `error`. */

export function notReady(service: string): Response {
  return Response.json({ error: "not ready", service }, { status: 503, headers: { "retry-after": "1" } });
}

export function paused(service: string): Response {
  return Response.json({ error: "paused", service }, { status: 503, headers: { "retry-after": "1" } });
}

export function notFound(): Response {
  return Response.json({ error: "not found" }, { status: 404 });
}

// The rest of the body is still on its way: without a close it would be read as the next request.
export function bodyTooLarge(limit: number): Response {
  return Response.json({ error: "body too large", limit }, { status: 413, headers: { connection: "close" } });
}

/** The message of the error stays in the log: it may name what no client should know. */
export function internalError(requestId: string): Response {
  return Response.json({ error: "internal error", requestId }, { status: 500 });
}

export function timedOut(requestId: string): Response {
  return Response.json({ error: "timeout", requestId }, { status: 503, headers: { connection: "close" } });
}

export function cutOff(service: string): Response {
  return Response.json({ error: "stopped", service }, { status: 503, headers: { connection: "close" } });
}

/** The same response with one more header; a new object when its headers are immutable. */
export function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value);
    return response;
  } catch {
    // Redirects and answers of `fetch` have immutable headers.
    const copy = new Response(response.body, response);
    copy.headers.set(name, value);
    return copy;
  }
}
