import { ApiError } from "./api-error.ts";

const mebibyte = 1_048_576;
/** How long a body may take to come, in milliseconds. */
const patienceMs = 10_000;

/**
 * The JSON object in a request's body of at most `most` MiB; an empty body is an empty object.
 *
 * @throws ApiError TOO_LARGE or BAD_REQUEST
 */
export async function readJson(request: Request, most = 1): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request, most);
  if (text.trim() === "") return {};
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAnObject();
  return value as Readonly<Record<string, unknown>>;
}

async function readText(request: Request, most: number): Promise<string> {
  if (!request.body) return "";
  const reader = request.body.getReader();
  const decoder = new TextDecoder();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void reader.cancel().catch(() => {
      // The client has gone already.
    });
  }, patienceMs);
  try {
    let text = "";
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.length;
      if (bytes > most * mebibyte) {
        void reader.cancel();
        throw new ApiError(413, "TOO_LARGE", `The body is larger than ${most} MiB`, "Send less.");
      }
      text += decoder.decode(part.value, { stream: true });
    }
    if (late)
      throw new ApiError(408, "BAD_REQUEST", "The body did not come within 10 seconds", "Send it at once.");
    return text + decoder.decode();
  } finally {
    clearTimeout(timer);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(
      400,
      "BAD_REQUEST",
      `The body is no JSON: ${(error as Error).message}`,
      "Send a JSON object.",
    );
  }
}

function notAnObject(): ApiError {
  return new ApiError(400, "BAD_REQUEST", "The body is no JSON object", "Send a JSON object.");
}
