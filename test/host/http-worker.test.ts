import { httpWorkerCases } from "../contract/http-plane.ts";
import { testContract } from "../support/contract.ts";

await testContract("http-worker", httpWorkerCases);
