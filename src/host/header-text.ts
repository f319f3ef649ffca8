/** Headers as one text, `name LF value LF …`: no header can hold a line feed, and one text crosses fastest. */
export function headersText(headers: Headers): string {
  let text = "";
  for (const [name, value] of headers) text += `${name}\n${value}\n`;
  return text;
}

/** The headers of such a text; each `set-cookie` stays one of its own. */
export function headersOf(text: string): Headers {
  const headers = new Headers();
  const parts = text.split("\n");
  for (let index = 0; index + 1 < parts.length; index += 2) {
    headers.append(parts[index] as string, parts[index + 1] as string);
  }
  return headers;
}
