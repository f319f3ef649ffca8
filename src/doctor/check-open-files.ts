import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** What the runtime and the supervisor have open before anybody connects. */
const ownFiles = 64;
/** A service that serves should be able to hold so many connections, but not all services at the same time. */
const connections = { each: 100, together: 1_000 } as const;

/** Whether the limit of open files leaves something for connections. */
export function checkOpenFiles({ plan, machine }: Subject): Finding[] {
  const limit = Number(
    /^Max open files\s+(\d+)/m.exec(machine.read("/proc/self/limits") ?? "")?.[1] ?? Number.NaN,
  );
  const serving = plan.services.filter(({ http }) => http).length;
  const wanted = Math.min(connections.together, serving * connections.each);
  const needed = ownFiles + 2 * plan.services.length + wanted;
  if (!(limit < needed)) return [];
  const tight = limit < ownFiles + 2 * plan.services.length;
  return [
    {
      level: tight ? "error" : "warn",
      code: "OPEN_FILES",
      message: `This process may open ${limit} files: ${tight ? "too few to start" : "few for"} ${plan.services.length} services`,
      remedy: `Raise the limit to ${needed} or more: ulimit -n, or LimitNOFILE= in a systemd unit.`,
    },
  ];
}
