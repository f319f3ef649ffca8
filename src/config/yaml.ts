import type {
  Alias,
  Document,
  YAMLError,
  YAMLMap,
  YAMLSeq,
  Node as YamlNode,
  Scalar as YamlScalar,
} from "yaml";
import type { Problem } from "../core/problem.ts";
import { readEverydayYaml } from "./everyday-yaml.ts";
import type { Entry, Node, ScalarNode, Source, Span } from "./node.ts";
import { positionOf } from "./node.ts";
import { tooDeepAt } from "./yaml-depth.ts";
import { syntaxProblem, yamlProblems } from "./yaml-problems.ts";

/** `root` is absent when the text is empty, or when it is unclear what it says: then there are problems. */
export interface YamlReading {
  readonly root?: Node;
  readonly problems: readonly Problem[];
  /** Nothing but everyday YAML: each line says the same wherever it stands. */
  readonly everyday?: true;
}

/**
 * Reads one YAML 1.2 document: aliases and merge keys are resolved, and every node keeps the place where
 * its value is written. The `yaml` package is loaded only when the text goes beyond everyday YAML.
 */
export async function readYaml(source: Source): Promise<YamlReading> {
  const root = readEverydayYaml(source);
  if (root) return { root, problems: [], everyday: true };
  return readFullYaml(source);
}

/** As {@link readYaml}, always with the full parser. */
export async function readFullYaml(source: Source): Promise<YamlReading> {
  // What is a little deeper is told from well-formed values below; beyond, the parser would take for ever.
  const deep = tooDeepAt(source.text, deepest + 5);
  if (deep !== undefined) {
    return { problems: [syntaxProblem({ source, start: deep, end: deep + 1 }, tooDeep, flatten)] };
  }
  const yaml = await import("yaml");
  const document = parse(yaml, source.text);
  const mistakes = mistakesIn(document);
  const told = mistakes.length === 0 ? [] : yamlProblems(source, (text) => mistakesIn(parse(yaml, text)));
  if (!mistakes.every(isOfTag)) return { problems: told };
  const { root, problems } = convert(yaml, document, source);
  return { ...(root ? { root } : {}), problems: [...told, ...problems] };
}

/** What an unknown tag stands before is clear all the same. */
function isOfTag({ code }: YAMLError): boolean {
  return code === "TAG_RESOLVE_FAILED";
}

function parse(yaml: typeof import("yaml"), text: string): Document.Parsed {
  return yaml.parseDocument(text, {
    version: "1.2",
    prettyErrors: false,
    // Found below in linear time.
    uniqueKeys: false,
    logLevel: "error",
  });
}

function mistakesIn({ errors, warnings }: Document.Parsed): YAMLError[] {
  return [...errors, ...warnings];
}

/** More than this, and aliases were written to exhaust the memory, not to save typing. */
const mostAliasedNodes = 100_000;
const deepest = 100;

function convert(yaml: typeof import("yaml"), document: Document.Parsed, source: Source): YamlReading {
  const problems: Problem[] = [];
  /** They leave the first value: there is more to look at. */
  const repeated: Problem[] = [];
  const anchors = new Map<string, Node>();
  const openAnchors = new Set<string>();
  /** How many nodes a reader of this node would meet, with every alias followed. */
  const sizes = new Map<Node, number>();
  let written = 0;

  if (document.contents === null) return { problems };
  const root = toNode(document.contents, 0);
  if ((sizes.get(root) ?? 0) - written > mostAliasedNodes) {
    problems.push(
      syntaxProblem(root, "Aliases expand to more than 100,000 values", "Write fewer aliases of aliases."),
    );
  }
  if (problems.length > 0) return { problems: [...problems, ...repeated] };
  return { root, problems: repeated };

  function toNode(node: YamlNode, depth: number): Node {
    if (depth > deepest) {
      if (!problems.some((problem) => problem.message === tooDeep)) {
        problems.push(syntaxProblem(spanAt(node), tooDeep, flatten));
      }
      return nothingAt(node.range?.[0] ?? 0);
    }
    if (yaml.isAlias(node)) return followAlias(node);
    const anchor = (node as YamlScalar).anchor;
    if (anchor) openAnchors.add(anchor);
    const made = yaml.isMap(node)
      ? toMap(node, depth)
      : yaml.isSeq(node)
        ? toList(node, depth)
        : toScalar(node as YamlScalar);
    if (anchor) {
      openAnchors.delete(anchor);
      anchors.set(anchor, made);
    }
    written++;
    return made;
  }

  function followAlias(alias: Alias): Node {
    const name = alias.source;
    const target = anchors.get(name);
    if (target && !openAnchors.has(name)) return target;
    problems.push(
      openAnchors.has(name)
        ? syntaxProblem(spanAt(alias), `Alias "*${name}" contains itself`, "Repeat the value instead.")
        : syntaxProblem(
            spanAt(alias),
            `Alias "*${name}" has no anchor before it`,
            `Write "&${name}" before the value that it stands for.`,
          ),
    );
    return nothingAt(alias.range?.[0] ?? 0);
  }

  function toScalar(node: YamlScalar): ScalarNode {
    const { start, end } = spanAt(node);
    const untyped = node.type === "PLAIN" && node.tag !== "tag:yaml.org,2002:str";
    const text = node.type === "PLAIN" ? (node.source ?? "") : String(node.value ?? "");
    return sized({ tag: "scalar", source, start, end, text, plain: untyped }, 1);
  }

  function toList(node: YAMLSeq, depth: number): Node {
    let size = 1;
    const items = (node.items as (YamlNode | null)[]).map((item) => {
      const made = item ? toNode(item, depth + 1) : nothingAt(spanAt(node).start);
      size += sizes.get(made) ?? 1;
      return made;
    });
    const { start } = spanAt(node);
    return sized({ tag: "list", source, start, end: start, items }, size);
  }

  function toMap(node: YAMLMap, depth: number): Node {
    const entries = new Map<string, Entry>();
    const merged: Node[] = [];
    let size = 1;
    for (const pair of node.items) {
      const key = pair.key as YamlNode;
      const span = spanAt(key);
      const made = pair.value ? toNode(pair.value as YamlNode, depth + 1) : nothingAt(span.end);
      if (isMergeKey(key)) merged.push(...mergeSources(made, span));
      else if (keyText(key, span) !== undefined) add(entries, keyText(key, span) as string, span, made);
      size += sizes.get(made) ?? 1;
    }
    // A key of the mapping itself wins over merged ones, and an earlier merge over a later one.
    for (const from of merged) {
      if (from.tag !== "map") continue;
      for (const entry of from.entries) if (!entries.has(entry.name)) entries.set(entry.name, entry);
    }
    const { start } = spanAt(node);
    return sized({ tag: "map", source, start, end: start, entries: [...entries.values()] }, size);
  }

  function add(entries: Map<string, Entry>, name: string, span: Span, value: Node): void {
    const first = entries.get(name);
    if (!first) return void entries.set(name, { ...span, name, value });
    repeated.push(
      syntaxProblem(
        span,
        `Key "${name}" appears twice in one mapping`,
        `Remove one of them; the first is in line ${positionOf(first).line}.`,
      ),
    );
  }

  function isMergeKey(key: YamlNode): boolean {
    return yaml.isScalar(key) && key.type === "PLAIN" && key.source === "<<";
  }

  function mergeSources(value: Node, key: Span): readonly Node[] {
    const nodes = value.tag === "list" ? value.items : [value];
    if (nodes.every((node) => node.tag === "map")) return nodes;
    problems.push(
      syntaxProblem(
        key,
        '"<<" merges mappings only',
        "Give it an alias of a mapping, or a list of such aliases.",
      ),
    );
    return [];
  }

  function keyText(key: YamlNode, span: Span): string | undefined {
    if (yaml.isScalar(key)) return key.type === "PLAIN" ? (key.source ?? "") : String(key.value);
    problems.push(syntaxProblem(span, "A key must be text", "Write the key as one word before the colon."));
    return undefined;
  }

  function sized<N extends Node>(node: N, size: number): N {
    sizes.set(node, size);
    return node;
  }

  function nothingAt(offset: number): ScalarNode {
    return sized({ tag: "scalar", source, start: offset, end: offset, text: "", plain: true }, 1);
  }

  function spanAt(node: YamlNode): Span {
    const [start, end] = node.range ?? [0, 0];
    return { source, start, end };
  }
}

const tooDeep = "Values are nested more than 100 levels deep";
const flatten = "Flatten the file.";
