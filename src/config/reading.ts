import type { Report } from "./findings.ts";
import type { Node, Span } from "./node.ts";
import type { VariableSource } from "./variables.ts";

/** What reading needs beside the nodes. */
export interface Reading extends VariableSource {
  readonly report: Report;
}

/** A value on its way: its node, the key before it, and its name as people would say it (`http.port`). */
export interface Place {
  readonly node: Node;
  readonly key: Span | undefined;
  readonly name: string;
}
