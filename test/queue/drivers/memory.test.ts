import { queueDriverCases } from "../../contract/queue-driver.ts";
import { testContract } from "../../support/contract.ts";
import { memoryHarness } from "../../support/queue-sites.ts";

await testContract("queue-memory", queueDriverCases(memoryHarness));
