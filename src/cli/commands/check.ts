import { relative } from "node:path";
import { checkSupervisor } from "../../compose.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Plan } from "../../core/plan.ts";
import { formatAddress, isLocal } from "../../core/plan.ts";
import { problemsOf } from "../../core/problem.ts";
import type { Handler } from "../handler.ts";
import { exitCodeOf } from "../problems.ts";
import { targetOf } from "../target.ts";
import type { Terminal } from "../terminal.ts";
import { unreadCredentials } from "../unread-credentials.ts";

export const command: Handler<"check"> = async ({ positionals, options }, terminal) => {
  const { env, json } = options;
  try {
    const source = await checkSupervisor({ ...targetOf(positionals), ...(env === undefined ? {} : { env }) });
    const { plan } = source;
    const notes = [...notesOn(source), ...unreadCredentials(source.lacking)];
    terminal.out(
      json
        ? printed({ valid: true, ...summary(plan), ...(notes.length > 0 ? { notes } : {}) })
        : [sentence(plan, terminal), ...notes.map((note) => `note: ${note}\n`)].join(""),
    );
    return ExitCode.clean;
  } catch (error) {
    const problems = problemsOf(error);
    if (!json || problems.length === 0) throw error;
    const listed = problems.map(({ code, message, hint, position }) => ({ code, message, hint, position }));
    terminal.out(printed({ valid: false, problems: listed }));
    return exitCodeOf(problems);
  }
};

type Checked = Awaited<ReturnType<typeof checkSupervisor>>;

function summary(plan: Plan) {
  const services = plan.services.map(({ name, module }) => ({ name, module }));
  return { name: plan.name, file: plan.file, services };
}

/** What is allowed, and may surprise. */
function notesOn({ plan: { admin }, locate }: Checked): string[] {
  if (!admin || admin.token !== undefined || isLocal(admin.listen)) return [];
  // It is a credential that was not looked at.
  if (locate(["admin", "token"])) return [];
  const where = formatAddress(admin.listen);
  return [
    `${where} can be reached from other machines, and admin.token is not set: /api/v1 is refused there, health is not`,
  ];
}

function sentence(plan: Plan, terminal: Terminal): string {
  const count = plan.services.length;
  const names = plan.services.map((service) => service.name).join(", ");
  const file = relative(terminal.cwd, plan.file) || plan.file;
  return `${file} is valid: ${count} service${count === 1 ? "" : "s"} (${names})\n`;
}

function printed(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
