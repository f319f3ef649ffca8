import process from "node:process";
import { httpPassedCases } from "../contract/http-passed.ts";
import { testContract } from "../support/contract.ts";

if (process.platform === "linux") await testContract("http-passed", httpPassedCases);
