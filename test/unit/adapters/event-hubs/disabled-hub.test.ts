import { expect, test } from "vitest";
import { type Connection, type Reader, text } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";
import { SOON_MS, consume, sendUntilRefused } from "./in-use.ts";

const LATER = { timeout: 30_000 };
const DISABLED = { code: "not-found", message: expect.stringMatching(/disabled/) };

function topicOf(connection: Connection) {
  return connection.topic("flights", { codec: text() });
}

async function readInto(reader: Reader<string>, found: string[]): Promise<void> {
  for await (const { value } of reader) found.push(value);
}

test("a disabled hub is told to producers, readers, groups and administrators", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  world.emulator.setDisabled("flights", true);
  const connection = await world.connect();
  await expect(topicOf(connection).producer().send({ key: "LH400", value: "1" })).rejects.toMatchObject(DISABLED);
  await expect(readInto(topicOf(connection).reader({ until: "now" }), [])).rejects.toMatchObject(DISABLED);
  await expect(consume(connection, []).running).rejects.toMatchObject(DISABLED);
  await expect(connection.admin.describeTopic("flights")).rejects.toMatchObject(DISABLED);
  await expect(connection.admin.lag("flights", "delays")).rejects.toMatchObject(DISABLED);
  await expect(connection.admin.resetGroup("flights", "delays", "earliest")).rejects.toMatchObject(DISABLED);
});

test("a hub that is disabled in use stops everybody soon, and nothing is lost when it is enabled again", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const [handled, stored, read]: [string[], string[], string[]] = [[], [], []];
  const { running } = consume(connection, handled);
  const reading = readInto(topicOf(connection).reader({ from: "earliest" }), read);
  reading.catch(() => undefined);
  const sending = sendUntilRefused(connection, stored);
  await expect.poll(() => Math.min(handled.length, read.length), LATER).toBeGreaterThan(10);
  world.emulator.setDisabled("flights", true);
  const disabledMs = performance.now();
  const refused = await sending;
  expect(refused.error).toMatchObject(DISABLED);
  await expect(running).rejects.toMatchObject(DISABLED);
  await expect(reading).rejects.toMatchObject(DISABLED);
  expect(performance.now() - disabledMs).toBeLessThan(SOON_MS);
  expect(read).toEqual(stored.slice(0, read.length));
  world.emulator.setDisabled("flights", false);
  const again = consume(connection, handled);
  const producer = topicOf(connection).producer();
  for (const value of [refused.value, "last"]) {
    await producer.send({ key: "LH400", value });
    stored.push(value);
  }
  await expect.poll(() => [...new Set(handled)], LATER).toEqual(stored);
  const all: string[] = [];
  await readInto(topicOf(connection).reader({ until: "now" }), all);
  expect(all).toEqual(stored);
  await again.consumer.close();
  await again.running;
});
