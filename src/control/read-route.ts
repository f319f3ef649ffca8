import { ApiError } from "./api-error.ts";
import type { Entrance } from "./guard.ts";
import { guard } from "./guard.ts";

export interface ReadRoute {
  readonly path: string;
  readonly type: string;
  readonly body: () => string | Promise<string>;
}

/**
 * Answers a GET or HEAD of one path beside the API, which lets in whom the API lets read; undefined for other paths.
 * Who is refused is told why as text.
 */
export function answerRead(
  request: Request,
  entrance: Entrance,
  { path, type, body }: ReadRoute,
): Promise<Response> | undefined {
  return new URL(request.url).pathname === path ? answer(request, entrance, type, body) : undefined;
}

async function answer(
  request: Request,
  entrance: Entrance,
  type: string,
  body: ReadRoute["body"],
): Promise<Response> {
  const { method } = request;
  try {
    if (method !== "GET" && method !== "HEAD") {
      const allow = { allow: "GET, HEAD" };
      throw new ApiError(405, "METHOD_NOT_ALLOWED", `${method} is not allowed here`, "Use GET.", allow);
    }
    guard(request, entrance, { writes: false, open: false });
    const text = await body();
    return new Response(method === "HEAD" ? null : text, { headers: { ...common, "content-type": type } });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { message, hint } = error.body;
    const headers = { ...common, ...error.headers, "content-type": "text/plain; charset=utf-8" };
    return new Response(`${message}. ${hint}\n`, { status: error.status, headers });
  }
}

const common = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
};
