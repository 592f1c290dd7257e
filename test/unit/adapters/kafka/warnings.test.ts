import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";

const SOURCES = join(import.meta.dirname, "..", "..", "..", "..", "src", "index.ts");
const MESSAGES = 400;

/** Sends, handles and reads messages, calls the administration, and closes everything. */
const program = (url: string): string => `
  import { connect, text } from ${JSON.stringify(pathToFileURL(SOURCES).href)};
  await using connection = await connect(${JSON.stringify(url)});
  const topic = connection.topic("orders", { codec: text() });
  const producer = topic.producer();
  const messages = Array.from({ length: ${MESSAGES} }, (_, index) => ({ key: "key-" + index, value: "v" }));
  await Promise.all(messages.map((message) => producer.send(message)));
  const consumer = topic.consumer({ group: "billing", concurrency: 4 });
  let handled = 0;
  await consumer.run(() => {
    handled += 1;
    if (handled === ${MESSAGES}) void consumer.close();
  });
  for await (const message of topic.reader({ until: "now" })) handled -= 1;
  await connection.admin.describeTopic("orders");
  if (handled !== 0) throw new Error("something is missing");
`;

test.each([
  ["without authentication", undefined],
  ["with a password", { alice: "secret" }],
])(
  "no use of Kafka by an application prints a warning of Node, %s, also while a server throttles and closes connections",
  async (_, users) => {
    await using kafka = await startEmulatedKafka({ brokers: 3, users, topics: { orders: { partitions: 6 } } });
    for (const kind of ["throttle", "disconnect", "stall"] as const) kafka.inject({ kind, topic: "orders", times: 3, durationMs: 20 });
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program(kafka.url)], { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
  },
);
