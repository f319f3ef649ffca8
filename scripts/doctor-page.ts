import { findingCodes } from "../src/doctor/finding.ts";

/** docs/doctor.md: everything that `supervisor doctor` looks for. */
export function doctorPage(): string {
  const rows = Object.entries(findingCodes).map(([code, means]) => `| \`${code}\` | ${means} |`);
  return [
    "<!-- Made from src/doctor/finding.ts by `npm run docs`. -->",
    "",
    "# supervisor doctor",
    "",
    "`supervisor doctor [services.yaml] [NAME…]` looks for what will not work here, or would not work elsewhere: on the",
    "other runtime, under systemd, in Kubernetes. It reads the file, the modules that it names and every local file that",
    "those import, and asks the machine about ports and limits. It runs none of your code; what only shows when a module",
    "is loaded is found by `supervisor check`.",
    "",
    "Every finding has a level, a code, the place with its line, one sentence and the remedy; `--json` prints the same",
    "as `{ findings: [{ level, code, message, remedy, position }] }`. An `error` will not work as it is, on the runtime",
    "that doctor itself runs on; a `warn` fails elsewhere or works badly; an `info` is worth knowing. Exit 0 without",
    "errors, 1 with at least one, 78 when services.yaml cannot be read. Problems of services.yaml are errors with the",
    "codes of [errors.md](errors.md).",
    "",
    "| Code | It means |",
    "| --- | --- |",
    ...rows,
    "",
    "Inside a systemd unit (`INVOCATION_ID` is set) the unit's `TimeoutStopSec` is asked of `systemctl`; when that does",
    "not answer, nothing is said. A pod cannot read its own `terminationGracePeriodSeconds`, so the value to write is",
    "told. A port that the running supervisor of the same name has is not counted as taken.",
    "",
  ].join("\n");
}
