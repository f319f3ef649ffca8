/** Takes out of text and fields what nobody may read in a log. */
export interface Redactor {
  /** `text` with every secret value, password in a URL and bearer token replaced by `***`. */
  text(text: string): string;
  /** Whether a field of this name holds a secret, whatever its value: `password`, `x-api-key`, `set-cookie`. */
  hides(field: string): boolean;
  /** Whether stacks keep the frames of the supervisor. */
  readonly allFrames: boolean;
}

export const hidden = "***";

/** Shorter values are not searched for in text: they would black out ordinary words. */
const shortestSecret = 4;

/** @param secrets values that must never be printed, wherever they turn up. */
export function createRedactor(secrets: readonly string[], { allFrames = false } = {}): Redactor {
  const values = anyOf(secrets);
  const known = new Map<string, boolean>();
  return {
    allFrames,
    text(text) {
      const masked = values ? text.replace(values, hidden) : text;
      return mayHoldCredentials(masked) ? maskCredentials(masked) : masked;
    },
    hides(field) {
      let answer = known.get(field);
      if (answer === undefined) {
        answer = secretName.test(field.replace(/[-_. ]/g, ""));
        // Names come from the services; a map of invented ones must not grow for ever.
        if (known.size < 1_000) known.set(field, answer);
      }
      return answer;
    },
  };
}

const secretName =
  /passw(or)?d$|passphrase$|pwd$|secrets?$|token$|authorization$|cookies?$|apikeys?$|privatekey$|accesskey$|credentials?$/i;

/** One expression for all values and the forms they take inside JSON and URLs; the longest wins. */
function anyOf(secrets: readonly string[]): RegExp | undefined {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < shortestSecret) continue;
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(urlForm(secret));
  }
  if (forms.size === 0) return undefined;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
}

function urlForm(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // Half of a surrogate pair has no URL form; the plain form is searched for all the same.
    return secret;
  }
}

/** A cheap look first: most lines hold none of these. */
function mayHoldCredentials(text: string): boolean {
  return (text.includes("://") && (text.includes("@") || text.includes("="))) || /bearer /i.test(text);
}

function maskCredentials(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/?#"']{0,256}:)[^\s@/"']+@/gi, `$1${hidden}@`)
    .replace(
      /([?&](?:[a-z0-9_-]{0,30}(?:token|secret|password|api_?key|signature))=)[^&\s"']+/gi,
      `$1${hidden}`,
    )
    .replace(/(\bbearer )[\w.~+/=-]+/gi, `$1${hidden}`);
}
