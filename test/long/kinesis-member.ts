import { setTimeout as sleep } from "node:timers/promises";
import { connect, text } from "../../src/index.ts";

/** A member of the group `workers` of `orders` in its own process, so that it can be stopped and killed. The argument is the URL. It prints each message that it has handled. */
const connection = await connect(process.argv[2] ?? "");
const consumer = connection.topic("orders", { codec: text() }).consumer({
  group: "workers",
  initialPosition: "earliest",
  concurrency: 8,
  sessionTimeoutMs: 3_000,
  commit: { everyMs: 50 },
});
await consumer.run(async ({ value }) => {
  await sleep(Math.random() * 3);
  process.stdout.write(`${value}\n`);
});
