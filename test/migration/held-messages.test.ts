import { type TestContext, expect, test } from "vitest";
import { HeldMessagesReader } from "../../src/migration/copy/held-messages.ts";
import { RecordDigests } from "../../src/migration/digest/record-digests.ts";
import { copy } from "../../src/migration/index.ts";
import { openSide } from "../../src/migration/side.ts";
import { type Form, keysOf, memorySide, messagesOf, produce } from "./two-topics.ts";

/** What is found of 30 copied messages, where no more than 10 of them may be remembered. */
async function findTen(context: TestContext, form: Form) {
  const source = await memorySide(context, form, "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  if (form === "pubsub") await copy(source, target);
  await produce(source, keysOf(3), 10);
  await copy(source, target);
  const [from, to] = [await openSide(source, "test"), await openSide(target, "test")];
  const { signal } = new AbortController();
  const most = { mostOrdered: 10, mostUnordered: 10 };
  const reader = new HeldMessagesReader(
    from,
    to,
    new RecordDigests(from, to),
    signal,
    { choosesPartition: true, saw: () => undefined },
    most,
  );
  const [partition] = new Set((await messagesOf(source)).map((message) => message.partition));
  return { found: reader.find(partition!, null, null), stored: await messagesOf(target) };
}

test("a copy that would have to remember too many messages of an ordered source is refused, and says what it needs", async (context) => {
  const { found } = await findTen(context, "kafka");
  await expect(found).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("give the checkpoints") });
});

test("of a source without an order, which has no checkpoints, the last ones are remembered: a copy of any length can go on", async (context) => {
  const { found, stored } = await findTen(context, "pubsub");
  const { messages } = await found;
  expect(stored.length).toBe(30);
  const positions = stored.map(({ raw }) => Buffer.from(raw.headers.at(-1)![1]!).toString().split(" ")[4]);
  expect([...messages.keys()].map(encodeURIComponent)).toEqual(positions.slice(-10));
});
