/**
 * Writes the files that are made from code: `npm run docs`. `test/generated.test.ts` fails when one of them
 * is not what its function returns.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchema } from "../src/config/json-schema.ts";
import { referencePage } from "../src/config/reference.ts";
import { apiPage } from "./api-page.ts";
import { doctorPage } from "./doctor-page.ts";
import { errorsPage } from "./errors-page.ts";
import { manPage } from "./man-page.ts";
import { supervisorTypesFile } from "./supervisor-types-file.ts";

const root = join(import.meta.dirname, "..");

/** Path below the root of the repository → what the file must hold. */
export const documents: Readonly<Record<string, () => string>> = {
  "docs/doctor.md": doctorPage,
  "docs/api.md": apiPage,
  "docs/errors.md": errorsPage,
  "docs/services-yaml.md": referencePage,
  "docs/supervisor.1": manPage,
  "services.schema.json": () => `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
  "src/cli/templates/supervisor-types.ts": supervisorTypesFile,
};

if (import.meta.main) {
  for (const [path, render] of Object.entries(documents)) {
    writeFileSync(join(root, path), render());
    console.log(path);
  }
}
