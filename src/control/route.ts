import type { Schema } from "./schemas.ts";

/** One thing that the API does. `docs/api.md`, the OpenAPI description and the dispatch are made from these. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Below `/api/v1`; `{NAME}` stands for one part. */
  readonly path: string;
  readonly summary: string;
  readonly query?: readonly Parameter[];
  readonly body?: Schema;
  readonly answer: Answer;
  /** Whether it changes something; and whether it needs no token. */
  readonly writes?: true;
  readonly open?: true;
}

export interface Parameter {
  readonly name: string;
  readonly schema: Schema;
  readonly summary: string;
}

export type Answer =
  | { readonly type: "application/json"; readonly schema: Schema; readonly summary: string }
  /** One JSON object in each line. */
  | { readonly type: "application/x-ndjson"; readonly summary: string };

export const wait: Parameter = {
  name: "wait",
  schema: { type: "boolean", default: true },
  summary: "`false` answers 202 at once; the command goes on.",
};
export const timeout: Parameter = {
  name: "timeout",
  schema: { type: "string", default: "60s" },
  summary: "How long to wait for the end, at most `1h`; then the answer is 504 and the command goes on.",
};
