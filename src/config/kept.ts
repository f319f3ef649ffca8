import type { ServicePlan } from "../core/plan.ts";
import type { Draft } from "./draft.ts";
import type { MapNode, Source } from "./node.ts";
import type { HeadSettings } from "./schema.ts";
import type { ServiceBlocks } from "./service-blocks.ts";

/** What a reading without problems leaves for the next one, of a services.yaml in everyday YAML. */
export interface Kept {
  readonly source: Source;
  readonly overlay: MapNode | undefined;
  /** The `defaults:` as they were understood. */
  readonly defaults: Layer | undefined;
  /** As they were then; undefined when the text refers to none. */
  readonly variables: Variables | undefined;
  /** Of all services. */
  readonly drafts: readonly Draft[];
  /** Of those that were selected, which alone have been checked. */
  readonly services: readonly ServicePlan[];
  readonly head: HeadSettings;
  /** What only a second reading of the same services makes worth its price. */
  readonly index?: KeptIndex;
}

export interface KeptIndex {
  readonly split: ServiceBlocks;
  /** Of each service its place in `drafts`, and in `services`. */
  readonly drafts: ReadonlyMap<string, number>;
  readonly services: ReadonlyMap<string, number>;
  /** Services that are read every time: their lines do not say all of it. */
  readonly restless: readonly string[];
  /** Those of everything but `services:`, and all. */
  readonly headSecrets: readonly string[];
  readonly secrets: readonly string[];
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** All variables as they are now, when one of `texts` may refer to some. */
export function variablesFor(texts: readonly string[], variables: Variables): Variables | undefined {
  return texts.some((text) => text.includes("$")) ? { ...variables } : undefined;
}

type Layer = Readonly<Record<string, unknown>>;
