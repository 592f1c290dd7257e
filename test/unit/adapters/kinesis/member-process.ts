import { setTimeout as sleep } from "node:timers/promises";
import { connect, text } from "../../../../src/index.ts";

/** A member in its own process, so that it can be stopped (SIGSTOP). The argument is the URL. It prints what it begins and has handled. */
const connection = await connect(process.argv[2] ?? "");
const consumer = connection.topic("orders", { codec: text() }).consumer({
  group: "workers",
  sessionTimeoutMs: 3_000,
  initialPosition: "earliest",
  commit: { everyMs: 20 },
});
await consumer.run(async ({ value }) => {
  process.stdout.write(`begun ${value}\n`);
  await sleep(500);
  process.stdout.write(`handled ${value}\n`);
});
