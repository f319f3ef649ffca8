import type { NativeServer } from "../runtime/runtime.ts";

const drainMs = 100;

/** Lets answers that are being written end, then closes everything; never hangs. */
export async function closeServer(server: NativeServer): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs);
  });
  await Promise.race([server.stop(), late]);
  clearTimeout(timer);
  void server.kill();
}
