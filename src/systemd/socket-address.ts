const AF_UNIX = 1;
/** The field for the name in a `sockaddr_un`. */
const longest = 108;

/**
 * The `sockaddr_un` of a path, or of the abstract name behind an `@`; undefined for what is neither (`vsock:…`), and for
 * a name that is too long.
 */
export function unixAddress(name: string): Uint8Array | undefined {
  const isAbstract = name.startsWith("@");
  if (!isAbstract && !name.startsWith("/")) return undefined;
  const bytes = new TextEncoder().encode(isAbstract ? name : `${name}\0`);
  if (bytes.length > longest) return undefined;
  // Of 16 bits, in the order of the machine: all that run this keep the low byte first.
  const address = new Uint8Array([AF_UNIX, 0, ...bytes]);
  if (isAbstract) address[2] = 0;
  return address;
}
