import { expect, test } from "bun:test";
import { isListeningAt } from "../../src/systemd/listening.ts";

const tables = {
  tcp: `  sl  local_address rem_address   st tx_queue
   0: 0100007F:65F4 00000000:0000 0A 00000000:00000000
   1: 0100007F:65F5 0100007F:0016 01 00000000:00000000
`,
  tcp6: `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:6921 00000000000000000000000000000000:0000 0A 00000000
`,
  unix: `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 51466 /run/shop sockets/a.sock
0000000000000000: 00000003 00000000 00000000 0001 03 51467 /run/b.sock
`,
};

test.each([
  ["127.0.0.1:26100", true],
  ["127.0.0.2:26100", false],
  ["localhost:26100", true],
  ["127.0.0.1:26101", false],
  ["[::1]:26913", true],
  ["[::]:26913", false],
  ["/run/shop sockets/a.sock", true],
  ["/run/b.sock", false],
])("isListeningAt() %s: %p", (place, expected) => {
  expect(isListeningAt(place, tables)).toBe(expected);
});
