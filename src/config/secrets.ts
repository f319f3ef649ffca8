const secretName =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE|CREDENTIAL|DSN|(?:^|_)(?:PWD|PASS|AUTH)(?:_|$)/i;
const passwordInUrl = /(?<=:\/\/[^\s:/?#@]*:)[^\s@/]+(?=@)|(?<=:\/\/\S*[?&]\w*password=)[^\s&]+/gi;
/** Shorter values occur in ordinary text by chance: hiding them would tear holes into the log. */
const shortestSecret = 6;

/** @example looksSecret("STRIPE_API_KEY") // true */
export function looksSecret(variable: string): boolean {
  return secretName.test(variable);
}

/** Adds `value` to what must never be printed, unless it is too short to be told from ordinary text. */
export function addSecret(secrets: Set<string>, value: string): void {
  if (value.length >= shortestSecret) secrets.add(value);
}

/** Adds the passwords of all URLs in `text`, as written and decoded. */
export function addUrlPasswords(secrets: Set<string>, text: string): void {
  if (!text.includes("://")) return;
  for (const [password] of text.matchAll(passwordInUrl)) {
    addSecret(secrets, password);
    addSecret(secrets, decoded(password));
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % means that it was not encoded.
    return text;
  }
}
