import { connect, text } from "../../../../src/index.ts";

/** Sends so many messages, one after the other, handles them and closes its connection. Then nothing keeps the process alive. The argument is the URL. */
const MESSAGES = 20;

const connection = await connect(process.argv[2] ?? "");
const topic = connection.topic("flights", { codec: text() });
const handled = new Set<string>();
const all = Promise.withResolvers<void>();
const consumer = topic.consumer({ group: "delays", initialPosition: "earliest" });
const running = consumer.run(({ value }) => {
  handled.add(value);
  if (handled.size === MESSAGES) all.resolve();
});
const producer = topic.producer();
for (let number = 0; number < MESSAGES; number += 1) await producer.send({ key: `key ${number}`, value: String(number) });
await all.promise;
await producer.close();
await consumer.close();
await running;
await connection.close();
process.stdout.write("closed\n");
