import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

export type Row = Record<string, SQLOutputValue>;

/** Statements by their text: prepared when they are first used. */
export interface Ask {
  run(text: string, ...values: SQLInputValue[]): number;
  one(text: string, ...values: SQLInputValue[]): Row | undefined;
  all(text: string, ...values: SQLInputValue[]): Row[];
}

export function createAsk(db: DatabaseSync): Ask {
  const prepared = new Map<string, StatementSync>();
  const statement = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known) return known;
    const fresh = db.prepare(text);
    prepared.set(text, fresh);
    return fresh;
  };
  return {
    run: (text, ...values) => Number(statement(text).run(...values).changes),
    one: (text, ...values) => statement(text).get(...values),
    all: (text, ...values) => statement(text).all(...values),
  };
}
