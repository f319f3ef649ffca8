import process from "node:process";

const lookMs = 10;
const patienceMs = 5_000;

/** Waits until the process has ended, five seconds at most. */
export async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid) && waited < patienceMs; waited += lookMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
