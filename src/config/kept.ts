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
  /** `source`, once it has been taken apart. */
  readonly split?: ServiceBlocks;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** All variables as they are now, when one of `texts` may refer to some. */
export function variablesFor(texts: readonly string[], variables: Variables): Variables | undefined {
  return texts.some((text) => text.includes("$")) ? { ...variables } : undefined;
}

type Layer = Readonly<Record<string, unknown>>;
