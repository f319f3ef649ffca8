import { expect, test } from "bun:test";
import { parseEnvironmentFile } from "../../src/systemd/environment-file.ts";

test("parseEnvironmentFile() reads what systemd reads: quotes, escapes, comments, lines that go on", () => {
  const text = `# A=comment
; B=comment
PLAIN=two words \r
  INDENTED=1
QUOTED="a \\"b\\" c"
SINGLE='$x'
EMPTY=
LONG=one\\
two
export NOT=this
`;
  expect(parseEnvironmentFile(text)).toEqual({
    PLAIN: "two words",
    INDENTED: "1",
    QUOTED: 'a "b" c',
    SINGLE: "$x",
    EMPTY: "",
    LONG: "onetwo",
  });
});
