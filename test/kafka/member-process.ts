import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommitEvent } from "../../src/diagnostics/channels.ts";
import { connect, json } from "../../src/index.ts";

/**
 * A member in a process of its own, so that it can be stopped (SIGSTOP) and killed. Takes URL, topic, the name of the member, and
 * how long it handles a message; tells on its standard output, line by line in JSON, what it does.
 */
const [url = "", topic = "", member = "", handlingMs = "0"] = process.argv.slice(2);

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

subscribe("streamport:commit", (message) => {
  const { partition, error } = message as CommitEvent;
  tell({ event: "committed", partition, error: error?.code ?? null });
});

const connection = await connect(url);
const orders = connection.topic(topic, { codec: json<{ key: string; sequence: number }>(), key: (parcel) => parcel.key });
const consumer = orders.consumer({
  group: "workers",
  sessionTimeoutMs: 2_000,
  concurrency: 16,
  commit: { everyMs: 100 },
  onAssigned: (partitions) => tell({ event: "assigned", partitions }),
});
process.once("SIGTERM", () => {
  consumer
    .close()
    .then(() => connection.close())
    .then(() => tell({ event: "closed" }))
    .catch((error: unknown) => tell({ event: "failed", error: String(error) }));
});
await consumer.run(async ({ value, partition }) => {
  tell({ event: "begun", member, partition, ...value });
  await sleep(Number(handlingMs));
  tell({ event: "handled", member, partition, ...value });
});
