import { PermanentError } from "./core/errors.ts";
import { defineService, withStart, withStarter } from "./service/define.ts";
import { ServiceGroup } from "./service-group.ts";

/** The values behind `import … from "supervisor"`; `mod.ts` adds the types. */
export const library = { PermanentError, ServiceGroup, defineService, withStart, withStarter };
