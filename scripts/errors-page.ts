import { errorCodes } from "../src/core/errors.ts";

/** docs/errors.md: every code an operator can meet. */
export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { exit, means }]) => `| \`${code}\` | ${exit} | ${means.replaceAll("|", "\\|")} |`,
  );
  return [
    "<!-- Made from src/core/errors.ts by `npm run docs`. -->",
    "",
    "# Error codes",
    "",
    "Every problem is printed with one of these codes, the place in the file, and what to do. When it ends the",
    "process, the exit code tells scripts and systemd which kind it was.",
    "",
    "| Code | Exit | It means |",
    "| --- | --- | --- |",
    ...rows,
    "",
    "## Exit codes",
    "",
    "| Exit | It means |",
    "| --- | --- |",
    "| 0 | Everything ended in order, also after SIGTERM or SIGINT. |",
    "| 1 | A running supervisor could not do what a command asked for. |",
    "| 3 | There is no running supervisor to talk to. |",
    "| 64 | The command line is wrong. |",
    "| 70 | A critical service or all of them failed for good, or an address could not be bound. |",
    "| 75 | A deadline ran out, and something was cut off. |",
    "| 78 | services.yaml or a module is wrong, and nothing has started; or a broker refuses for good. A restart would not help. |",
    "| 130, 143 | A second SIGINT or SIGTERM ended the process at once. |",
    "",
  ].join("\n");
}
