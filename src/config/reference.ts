import { expected } from "./expected.ts";
import type { Field } from "./fields.ts";
import { headFields, serviceFields, serviceNames, servicesField } from "./schema.ts";

type Fields = Readonly<Record<string, Field>>;

/** The text of docs/services-yaml.md. */
export function referencePage(): string {
  return [
    "# services.yaml",
    "",
    "<!-- Generated from src/config/schema*.ts and src/config/reference.ts: `bun run docs` writes it. -->",
    "",
    ...introduction,
    "## Top level",
    "",
    ...section({ ...headFields, services: servicesField }, ""),
    "## services.NAME",
    "",
    `A name has ${serviceNames.rule}. Each service takes:`,
    "",
    ...section(serviceFields, ""),
    ...rules,
  ].join("\n");
}

function section(fields: Fields, prefix: string): string[] {
  return Object.entries(fields).flatMap(([name, field]) => entry(prefix + name, field));
}

function entry(path: string, field: Field): string[] {
  const block = blockOf(field);
  return [
    `### \`${path}\``,
    "",
    field.description,
    "",
    `- Type: ${expected(field)}`,
    `- Default: ${defaultOf(field)}`,
    `- Example: \`${lastKey(path)}: ${field.example}\``,
    "",
    ...(block && path !== "defaults" ? section(block, `${path}.`) : []),
  ];
}

/** The fields of a mapping; those of `defaults` are described where a service has them. */
function blockOf(field: Field): Fields | undefined {
  const block = field.kind === "union" ? field.map : field;
  return block?.kind === "object" ? block.fields : undefined;
}

function defaultOf(field: Field): string {
  if (field.required) return "none, it is required";
  if (field.defaultText === undefined) return "none";
  if (field.defaultText !== "{}") return `\`${field.defaultText}\``;
  return blockOf(field) ? "as its keys say" : "empty";
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

const introduction = [
  "One file names the services of a process. Every key is here; any other is an error, and so is every value",
  "of the wrong type. All problems are reported at once, each with its line, and nothing starts before all are",
  "mended. `supervisor check` reads the file and starts nothing.",
  "",
  "```yaml",
  "# yaml-language-server: $schema=./services.schema.json",
  "name: shop",
  "shutdown: { timeout: 20s, delay: 5s }",
  "defaults:",
  "  restart: { limit: 3 }",
  "services:",
  "  db:",
  "    module: ./services/db.ts",
  "    config:",
  "      url: ${DATABASE_URL:-sqlite:./shop.db}",
  "  api:",
  "    module: ./services/api.ts",
  "    http: { port: 8080 }",
  "    depends_on: [db]",
  "```",
  "",
];

const rules = [
  "## Values",
  "",
  "- **Durations**: `500ms`, `30s`, `1h30m`; a number without a unit is an error, but for `0`.",
  "- **Sizes**: bytes, or `64KiB`, `16MiB`, `1GB`.",
  "- **Paths** are relative to the folder of the file that they are written in.",
  "- YAML 1.2: only `true` and `false` are booleans; `yes` and `on` are text.",
  "",
  "## Variables",
  "",
  "In any value, never in keys:",
  "",
  "| Written | Becomes |",
  "|---|---|",
  "| `${NAME}` | the variable; unset is an error, empty is not |",
  "| `${NAME:-default}` | the default when it is unset or empty; it may hold variables itself |",
  "| `${NAME:?message}` | an error with this message when it is unset or empty |",
  "| `${credential:NAME}` | the content of `$CREDENTIALS_DIRECTORY/NAME`, without a line break at its end |",
  "| `$$` | `$` |",
  "",
  "A value is never read as YAML. Where it is the whole scalar the key decides its type, so `port: ${PORT}` is a",
  'number; under `config` it is text. Inside `{ }` and `[ ]` YAML wants quotes around it: `{ port: "${PORT}" }`.',
  "",
  "Credentials, variables whose names say that they are secret (`…TOKEN`, `…PASSWORD`, `…API_KEY`, `…DSN` and",
  "such) and passwords in URLs are kept out of messages and logs, when they have six characters or more.",
  "",
  "## x-*, anchors, merge keys",
  "",
  "Keys that begin with `x-` are ignored in every mapping whose keys are fixed; under `config`, `env` and",
  "`services` they are keys like any other. Anchors, aliases and `<<` work as everywhere in YAML:",
  "",
  "```yaml",
  "x-web: &web",
  "  start_timeout: 5s",
  "services:",
  "  a: { <<: *web, module: ./a.ts }",
  "```",
  "",
  "## Overlays",
  "",
  "`--env prod` lays `services.prod.yaml`, from the same folder, over the file: mappings merge key by key, scalars",
  "and lists replace, `null` removes a key. Problems are shown in the file that the value came from.",
  "An overlay is a part, so `services.schema.json` is not for it: `check --env prod` is.",
  "",
  "## What is checked beyond types",
  "",
  "- `depends_on` names services that exist and are enabled, and nobody waits for himself, not even in a circle;",
  "  nor for the completion of one whose `restart` is `always`.",
  "- Services on one port agree in `host` and `tls` and differ in `path` or `hostname`; `admin` has its port for",
  "  itself. Port `0` is a port of its own each time.",
  "- Modules, certificates and keys are files that exist.",
  "- Brokers that services name exist, and their URLs can be read; cron expressions have a next time, in a time zone that",
  "  exists. Two services may consume one queue: each message goes to one of them.",
  "- The stop deadlines fit into `shutdown.timeout`: `supervisor plan` shows how.",
  "",
  "Variables, modules and addresses count for services that run: not for disabled ones, nor for those that the",
  "names on the command line leave out.",
  "",
];
