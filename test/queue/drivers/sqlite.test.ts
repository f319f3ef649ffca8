import { queueDriverCases } from "../../contract/queue-driver.ts";
import { testContract } from "../../support/contract.ts";
import { sqliteHarness } from "../../support/queue-sites.ts";

await testContract("queue-sqlite", queueDriverCases(sqliteHarness));
