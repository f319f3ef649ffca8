/** One sentence for each credential that was not looked at, because there are none where no systemd gives them. */
export function unreadCredentials(
  lacking: { readonly credentials: readonly string[] } | undefined,
): string[] {
  return (lacking?.credentials ?? []).map(
    (name) =>
      `the credential "${name}" was not looked at: it is there only under systemd, which sets $CREDENTIALS_DIRECTORY`,
  );
}
