import type { MessagePort } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerData } from "./host/worker-protocol.ts";
import { runIsolated } from "./isolated.ts";

/*
 * The entry of an isolated service: a thread that runs one instance of one generation, and nothing else.
 */

void runIsolated(workerData as WorkerData, parentPort as MessagePort);
