import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Files that the runtime cannot parse, with the first place where it gives up. */
export async function checkSyntax({ sources, syntaxError }: Subject): Promise<Finding[]> {
  const found = await Promise.all(
    sources.map(async (source): Promise<Finding[]> => {
      const fault = await syntaxError(source.file);
      if (!fault) return [];
      const { message, line, column, length } = fault;
      const text = source.text.split("\n")[line - 1] ?? "";
      return [
        {
          level: "error",
          code: "MODULE_SYNTAX",
          message: `The file cannot be parsed: ${message}`,
          remedy: "Correct the module at this place.",
          position: { file: source.file, line, column, text, length },
        },
      ];
    }),
  );
  return found.flat();
}
