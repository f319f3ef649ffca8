/** What stands in a `config:` for a credential or a variable that is not here and was not looked at. */
export const unread = "(not looked at)";

/** Whether something in `value` was not looked at, so that nobody can say whether it is right. */
export function holdsUnread(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === unread;
  return Object.values(value).some(holdsUnread);
}
