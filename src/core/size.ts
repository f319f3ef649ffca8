const unitBytes: Record<string, number> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** Bytes of `512`, `64KiB`, `1.5MB`, or undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (unitBytes[match[2] ?? "B"] as number));
}
