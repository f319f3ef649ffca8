import type { CommandError } from "../core/command.ts";
import type { ErrorCode } from "../core/errors.ts";

/** An answer of the API that is not what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly body: CommandError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    hint: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.body = { code, message, hint };
    this.headers = headers;
  }
}
