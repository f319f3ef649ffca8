import { ExitCode } from "../../core/exit.ts";
import { renderFindings } from "../../doctor/render-findings.ts";
import { examineSupervisor } from "../../examine.ts";
import type { Handler } from "../handler.ts";
import { targetOf } from "../target.ts";

/** As other tools that only look: something is wrong, the command itself is not. */
const foundErrors = 1;

export const command: Handler<"doctor"> = async ({ positionals, options }, terminal) => {
  const { env, json } = options;
  const findings = await examineSupervisor({
    ...targetOf(positionals),
    ...(env === undefined ? {} : { env }),
  });
  const { outColor: color, cwd } = terminal;
  terminal.out(
    json ? `${JSON.stringify({ findings }, undefined, 2)}\n` : renderFindings(findings, { color, cwd }),
  );
  return findings.some(({ level }) => level === "error") ? foundErrors : ExitCode.clean;
};
