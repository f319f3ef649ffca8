import { PermanentError } from "./core/errors.ts";
import { defineService, withStart, withStarter } from "./service/define.ts";
import { ServiceGroup } from "./service-group.ts";

/** The values behind `import … from "supervisor"`; `mod.ts` adds the types. */
export const library = { PermanentError, ServiceGroup, defineService, withStart, withStarter };

// Who compiles renames them, and services see it: in `error.constructor.name`, in what a logger prints.
for (const [name, value] of Object.entries(library)) Object.defineProperty(value, "name", { value: name });
