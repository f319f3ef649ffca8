import { runtimeCases } from "../contract/runtime.ts";
import { testContract } from "../support/contract.ts";

await testContract("runtime", runtimeCases);
