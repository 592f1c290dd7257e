import { parentPort, workerData } from "node:worker_threads";
import { DynaliteTables } from "./dynalite-tables.ts";
import type { TableOptions } from "./tables.ts";

/** The thread of `WorkerTables`: it takes `[id, operation, body]`, and answers `[id, status, body]`. */

const port = parentPort!;
const tables = await DynaliteTables.open(workerData as TableOptions);
port.on("message", ([id, operation, body]: [number, string, string]) => {
  void tables.call(operation, body).then(({ status, body: answer }) => port.postMessage([id, status, answer]));
});
port.postMessage("ready");
