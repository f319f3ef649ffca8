/** The kernel's tables of sockets: the texts of `/proc/net/tcp`, `tcp6` and `unix`. */
export interface SocketTables {
  readonly tcp: string;
  readonly tcp6: string;
  readonly unix: string;
}

/**
 * Whether somebody listens at the place that a `ListenStream=` names. systemd itself does not tell: after daemon-reload
 * it shows what the file says, and has let go of the socket that it had opened elsewhere.
 */
export function isListeningAt(place: string, { tcp, tcp6, unix }: SocketTables): boolean {
  if (place.startsWith("/")) return unix.split("\n").some((row) => isListeningUnix(row, place));
  const [, six, four, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(place) ?? [];
  const suffix = `:${Number(port).toString(16).toUpperCase().padStart(4, "0")}`;
  const address = six === undefined ? hexOfFour(four) : hexOfSix(six);
  const rows = (six === undefined ? tcp : tcp6).split("\n").map((row) => row.trim().split(/\s+/));
  return rows.some(
    ([, local = "", , state]) =>
      state === listening && local.endsWith(suffix) && (!address || local === address + suffix),
  );
}

const listening = "0A";
const acceptsConnections = 0x10000;

function isListeningUnix(row: string, path: string): boolean {
  const [, , , flags = "", , , , ...words] = row.trim().split(/\s+/);
  return (Number.parseInt(flags, 16) & acceptsConnections) !== 0 && words.join(" ") === path;
}

/** As the kernel prints it on a machine that keeps the low byte first; undefined for a name. */
function hexOfFour(host = ""): string | undefined {
  if (!/^\d+(\.\d+){3}$/.test(host)) return undefined;
  return host.split(".").map(Number).reverse().map(byteInHex).join("");
}

/** Four words, each with its low byte first. */
function hexOfSix(host: string): string {
  const words = wordsOf(new URL(`http://[${host}]`).hostname.slice(1, -1));
  const bytes = words.flatMap((word) => [word >> 8, word & 0xff]).map(byteInHex);
  return [0, 4, 8, 12].flatMap((at) => bytes.slice(at, at + 4).reverse()).join("");
}

/** The eight words of an address in its shortest spelling. */
function wordsOf(host: string): number[] {
  const [head = [], tail = []] = host
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16))));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function byteInHex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
