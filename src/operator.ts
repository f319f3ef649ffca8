import type { FromOperator, ToOperator } from "./control/protocol.ts";
import { waitForStart } from "./core/beacon.ts";
import type { OperatorPlane } from "./operator-plane.ts";

/*
 * The entry of the operator's plane, a thread of its own. It waits for the services to be ready before it takes
 * its share of the processor: loading the plane costs 7 ms, and where the cores are few they would be missing
 * from the start. When the start takes longer, or never ends, the plane is there all the same.
 */

const patienceMs = 100;

/** The part of a dedicated worker's global scope that is used here; the DOM's types know only windows. */
interface ThreadScope {
  onmessage: ((event: MessageEvent<ToOperator>) => void) | null;
  postMessage(message: FromOperator): void;
}

const thread = globalThis as unknown as ThreadScope;
let beginning: Promise<OperatorPlane> | undefined;

thread.onmessage = ({ data: message }) => {
  if (message.type === "begin") {
    waitForStart(message.data.beacon, patienceMs);
    beginning = import("./operator-plane.ts").then(({ OperatorPlane }) => {
      const plane = new OperatorPlane(message.data, (answer) => thread.postMessage(answer));
      void plane.start();
      return plane;
    });
  } else beginning?.then((plane) => plane.take(message));
};
