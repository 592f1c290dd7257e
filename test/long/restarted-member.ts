import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommitEvent } from "../../src/diagnostics/channels.ts";
import { connect, json } from "../../src/index.ts";

/**
 * A member in its own process, which is restarted under load. The arguments are URL and topic. A few handlers fail at their first
 * attempt, and a few are slow. It prints its events to standard output, one JSON object in each line; writes to a pipe are synchronous.
 */
const [url = "", topic = ""] = process.argv.slice(2);
const SLOW_MS = 4_000;

function print(line: object): void {
  process.stdout.write(`${JSON.stringify({ ...line, atMs: Date.now() })}\n`);
}

subscribe("streamport:commit", (message) => {
  const { partition, error } = message as CommitEvent;
  print({ event: "committed", partition, error: error?.code ?? null });
});

const connection = await connect(url);
const orders = connection.topic(topic, { codec: json<{ id: number }>() });
const consumer = orders.consumer({
  group: "workers",
  concurrency: 64,
  // Long enough for slow handlers when partitions move, and short enough for a test that kills members.
  sessionTimeoutMs: 10_000,
  retry: { initialDelayMs: 20, maxDelayMs: 200 },
  onAssigned: (partitions) => print({ event: "assigned", partitions }),
});
process.once("SIGTERM", () => {
  consumer
    .close()
    .then(() => connection.close())
    .then(() => print({ event: "closed" }))
    .catch((error: unknown) => print({ event: "failed", error: String(error) }));
});
await consumer.run(async ({ value: { id }, partition }, { attempt }) => {
  print({ event: "begun", id, partition });
  if (id % 33 === 0 && attempt === 1) throw new Error("the first attempt fails");
  await sleep(id % 101 === 0 ? SLOW_MS : 5);
  print({ event: "resolved", id, partition });
});
