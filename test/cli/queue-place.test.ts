import { expect, test } from "bun:test";
import { join } from "node:path";
import { queueFile, unitState } from "../../src/cli/queue-place.ts";
import { readPlan } from "../../src/config/read-plan.ts";
import { tempDir } from "../support/temp-dir.ts";

test("queueFile() is the file of the broker that is named, or of the first one, without its options", async () => {
  using folder = tempDir({
    "services.yaml":
      'brokers: { main: "sqlite:./q.db?synchronous=normal", other: "memory:" }\nservices: { a: { module: ./a.ts } }\n',
    "a.ts": "",
  });
  const { plan } = await readPlan({ file: join(folder.path, "services.yaml"), variables: {} });
  expect(queueFile(plan, undefined)).toBe(join(folder.path, "q.db"));
  expect(queueFile(plan, "other")).toBeUndefined();
  expect(queueFile(plan, "none")).toBeUndefined();
});

test("unitState() is the folder of a unit that has a queue, of the system's or of the user's", () => {
  using folder = tempDir({ "lib/shop/queue.db": "", "state/mine/queue.db": "", "lib/bare/notes": "" });
  const [lib, XDG_STATE_HOME] = [join(folder.path, "lib"), join(folder.path, "state")];
  const stateOf = (name: string, file = "/srv/shop/data/queue.db", STATE_DIRECTORY?: string) =>
    unitState(name, file, { XDG_STATE_HOME, STATE_DIRECTORY }, lib);
  expect(stateOf("shop")).toBe(join(lib, "shop"));
  expect(stateOf("mine")).toBe(join(XDG_STATE_HOME, "mine"));
  expect(stateOf("bare")).toBeUndefined();
  expect(stateOf("shop", join(lib, "shop/queue.db"))).toBeUndefined();
  expect(stateOf("shop", undefined, join(lib, "shop"))).toBeUndefined();
});
