import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommitEvent, OwnershipEvent } from "../../../../src/diagnostics/channels.ts";
import { connect, text } from "../../../../src/index.ts";

/** A member in its own process, so that it can be stopped (SIGSTOP). The argument is the URL. It prints what it begins and has handled, and what happens to its partitions. */
const print = (line: string): void => void process.stdout.write(`${line}\n`);

subscribe("streamport:commit", (event) => {
  const { error } = event as CommitEvent;
  print(error === null ? "stored" : `not stored: ${error.code}`);
});

subscribe("streamport:revoke", (event) => {
  const { partition, lost } = event as OwnershipEvent;
  print(`${lost ? "lost" : "revoked"} ${partition}`);
});

const connection = await connect(process.argv[2] ?? "");
const consumer = connection.topic("flights", { codec: text() }).consumer({
  group: "delays",
  sessionTimeoutMs: 3_000,
  initialPosition: "earliest",
  commit: { everyMs: 20 },
});
await consumer.run(async ({ value }, { signal }) => {
  print(`begun ${value}`);
  await sleep(500);
  print(signal.aborted ? `given up ${value}` : `handled ${value}`);
});
