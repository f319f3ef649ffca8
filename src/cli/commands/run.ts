import { runSupervisor } from "../../compose.ts";
import { SupervisorError } from "../../core/errors.ts";
import { sealed } from "../../core/sealed.ts";
import type { Handler } from "../handler.ts";
import { targetOf } from "../target.ts";

export const command: Handler<"run"> = ({ positionals, options }) => {
  const { env, watch, "stop-report": stopReportFile } = options;
  if (watch && sealed()) {
    const message = "--watch has nothing to watch: the code is inside this executable";
    throw new SupervisorError("USAGE", message, "Watch with the supervisor itself, where the files are.");
  }
  return runSupervisor({
    ...targetOf(positionals),
    ...(env === undefined ? {} : { env }),
    ...(watch === undefined ? {} : { watch }),
    ...(stopReportFile === undefined ? {} : { stopReportFile }),
  });
};
