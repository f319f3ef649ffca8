import type { Plan } from "../core/plan.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";

/**
 * Between two plans no socket of systemd loses its last service: systemd goes on listening there, and whoever connects
 * would wait for an answer that nobody gives.
 *
 * @throws ProblemsError with SOCKET_NOT_PASSED for each that does
 */
export function assertSocketsServed(old: Plan, next: Plan): void {
  const served = new Set(socketsOf(next).map(([name]) => name));
  const left = new Map(socketsOf(old).filter(([name]) => !served.has(name)));
  const hint = 'Run "supervisor systemd --install" and type what it prints: that stops the socket, too.';
  const problems = [...left].map(([name, service]): Problem => {
    const message = `No service would be behind the socket systemd:${name} of service "${service}", and its clients would wait for ever`;
    return { code: "SOCKET_NOT_PASSED", message, hint };
  });
  if (problems.length > 0) throw new ProblemsError(problems);
}

/** The names of the sockets that systemd passes, each with a service behind it. */
function socketsOf({ services }: Plan): [string, string][] {
  return services.flatMap(({ name, http }): [string, string][] =>
    http?.address.tag === "systemd" ? [[http.address.name, name]] : [],
  );
}
