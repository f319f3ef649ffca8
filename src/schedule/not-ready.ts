import { SupervisorError } from "../core/errors.ts";

/** Of a run that an operator asks for, while nothing of the service could do it. */
export function notReady(service: string): SupervisorError {
  return new SupervisorError(
    "UNSUPPORTED",
    `The schedule of service "${service}" cannot run now: the service is not ready`,
    'See "supervisor status" for what it waits for, and try again then.',
  );
}
