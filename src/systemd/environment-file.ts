/**
 * The variables that a file of `EnvironmentFile=` sets, as systemd reads it: lines of `NAME=value`, values also in quotes,
 * and what begins with `#` or `;` is a comment.
 */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const lines = text.replace(/\\\r?\n/g, "").split(/\r?\n/);
  const variables = lines.flatMap((line): [string, string][] => {
    const [, name, value = ""] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, unquoted(value.trim())]];
  });
  return Object.fromEntries(variables);
}

function unquoted(value: string): string {
  const [, single, double] = /^'([^']*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  return single ?? (double ?? value).replace(/\\(.)/g, "$1");
}
