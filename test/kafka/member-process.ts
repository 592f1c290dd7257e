import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommitEvent } from "../../src/diagnostics/channels.ts";
import { connect, json } from "../../src/index.ts";

/**
 * A member in its own process, so that it can be stopped (SIGSTOP) and killed. The arguments are URL, topic, the name of the member, and
 * the time to handle a message. It prints its events to standard output, one JSON object in each line.
 */
const [url = "", topic = "", member = "", handlingMs = "0"] = process.argv.slice(2);

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

subscribe("streamport:commit", (message) => {
  const { partition, error } = message as CommitEvent;
  print({ event: "committed", partition, error: error?.code ?? null });
});

const connection = await connect(url);
const orders = connection.topic(topic, { codec: json<{ key: string; sequence: number }>(), key: (parcel) => parcel.key });
const consumer = orders.consumer({
  group: "workers",
  sessionTimeoutMs: 2_000,
  concurrency: 16,
  commit: { everyMs: 100 },
  onAssigned: (partitions) => print({ event: "assigned", partitions }),
});
process.once("SIGTERM", () => {
  consumer
    .close()
    .then(() => connection.close())
    .then(() => print({ event: "closed" }))
    .catch((error: unknown) => print({ event: "failed", error: String(error) }));
});
await consumer.run(async ({ value, partition }) => {
  print({ event: "begun", member, partition, ...value });
  await sleep(Number(handlingMs));
  print({ event: "handled", member, partition, ...value });
});
