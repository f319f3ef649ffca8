/** Thrown into a service that reads more of a request's body than its limit allows. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
  readonly limit: number;

  constructor(limit: number) {
    super(`The request body is larger than ${limit} bytes`);
    this.limit = limit;
  }
}

export type Measured =
  | { readonly tag: "fits" }
  | { readonly tag: "tooLarge" }
  /** Its length is unknown: `request` counts while it is read, and `overflowed` is told once. */
  | { readonly tag: "counted"; readonly request: Request };

/** Judges a request's body by what its headers say, or wraps it so that it is counted while it streams. */
export function measureBody(request: Request, limit: number, overflowed: () => void): Measured {
  const length = request.headers.get("content-length");
  if (length !== null) return { tag: Number(length) > limit ? "tooLarge" : "fits" };
  if (request.body === null) return { tag: "fits" };
  return { tag: "counted", request: countedRequest(request, limit, overflowed) };
}

function countedRequest(request: Request, limit: number, overflowed: () => void): Request {
  let size = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size <= limit) return controller.enqueue(chunk);
      overflowed();
      controller.error(new BodyTooLargeError(limit));
    },
  });
  const body = (request.body as ReadableStream<Uint8Array>).pipeThrough(counter as TransformStream);
  return new Request(request, { body, duplex: "half" } as RequestInit);
}
