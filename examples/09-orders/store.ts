export interface Order {
  readonly id: string;
  state: "open" | "paid" | "closed";
}

/** Stands in for a database. */
export const orders = new Map<string, Order>();
