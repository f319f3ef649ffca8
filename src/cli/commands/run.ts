import { runSupervisor } from "../../compose.ts";
import type { Handler } from "../handler.ts";
import { targetOf } from "../target.ts";

export const command: Handler<"run"> = ({ positionals, options }) => {
  const { env, watch, "stop-report": stopReportFile } = options;
  return runSupervisor({
    ...targetOf(positionals),
    ...(env === undefined ? {} : { env }),
    ...(watch === undefined ? {} : { watch }),
    ...(stopReportFile === undefined ? {} : { stopReportFile }),
  });
};
