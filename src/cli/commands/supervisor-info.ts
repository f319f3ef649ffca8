import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { sealed } from "../../core/sealed.ts";
import type { Terminal } from "../terminal.ts";

/**
 * `--supervisor-info`: what is inside a sealed executable. No command, because a services.yaml is what the others
 * are about.
 *
 * @throws SupervisorError UNSUPPORTED when nothing is inside.
 */
export async function printSealInfo(terminal: Terminal): Promise<number> {
  const inside = sealed();
  if (!inside) {
    const message = "Nothing is sealed into this executable";
    throw new SupervisorError("UNSUPPORTED", message, '"supervisor version" tells what it is itself.');
  }
  const { default: info } = await inside.info();
  terminal.out(`${JSON.stringify(info, undefined, 2)}\n`);
  return ExitCode.clean;
}
