import type { RawConnection } from "./raw-http.ts";
import { openConnection } from "./raw-http.ts";

export interface HttpLoad {
  readonly asked: number;
  /** Requests that were answered 200. */
  readonly answered: number;
  /** What became of every other request. */
  readonly failures: readonly string[];
  /** Connections that the server closed, or wanted to be closed, though the client had not asked for it. */
  readonly closedEarly: number;
}

export interface HttpLoadOptions {
  readonly url: string;
  /** At least so many requests. */
  readonly requests: number;
  /** And as many more as it takes until this has settled. */
  readonly during: Promise<unknown>;
  /** Clients that keep their connection for all of their requests. */
  readonly keepAlive: number;
  /** Clients that open a connection for each of their requests. */
  readonly fresh: number;
}

/** Asks as fast as the answers come, and never again when one did not: a client that retries hides what was lost. */
export async function httpLoad(options: HttpLoadOptions): Promise<HttpLoad> {
  const { url, requests } = options;
  const load = { answered: 0, failures: [] as string[], closedEarly: 0 };
  let asked = 0;
  let isOver = false;
  options.during.then(over, over);
  function over(): void {
    isOver = true;
  }

  async function ask(connection: RawConnection): Promise<boolean> {
    const { status, headers, body } = await connection.get("/");
    if (status === 200) load.answered++;
    else load.failures.push(`status ${status}: ${body}`);
    return headers.connection !== "close";
  }
  async function client(keepsOpen: boolean): Promise<void> {
    let connection: RawConnection | undefined;
    while (asked < requests || !isOver) {
      asked++;
      try {
        connection ??= await openConnection(url);
        const stays = await ask(connection);
        if (stays && keepsOpen) continue;
        if (!stays) load.closedEarly++;
      } catch (error) {
        load.failures.push(String(error));
      }
      connection?.[Symbol.dispose]();
      connection = undefined;
    }
    connection?.[Symbol.dispose]();
  }
  const clients = (count: number, keepsOpen: boolean) =>
    Array.from({ length: count }, () => client(keepsOpen));
  await Promise.all([...clients(options.keepAlive, true), ...clients(options.fresh, false)]);
  return { ...load, asked };
}
