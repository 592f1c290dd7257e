import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { EARLIEST, type Subscription, rawProducer, read } from "./raw-client.ts";

let emulator: EmulatedEventHubs;

beforeAll(async () => {
  emulator = await startEmulatedEventHubs();
});

afterAll(async () => {
  await emulator.close();
});

/** A hub with one event in its partition. */
async function hubWithEvent(name: string): Promise<string> {
  await emulator.createTopic(name, { partitions: 1, groups: ["other"] });
  await using producer = rawProducer(emulator, name);
  await producer.sendBatch([{ body: Buffer.from("event") }], { partitionId: "0" });
  return name;
}

function reader(hub: string, ownerLevel?: number, group?: string): Subscription {
  return read(emulator, hub, "0", EARLIEST, { maxWaitTimeInSeconds: 0.2, group, ...(ownerLevel !== undefined && { ownerLevel }) });
}

describe("epochs", () => {
  test("a receiver of a higher epoch ends that of a lower one", async () => {
    const hub = await hubWithEvent("higher");
    await using low = reader(hub, 1);
    await low.received(1);
    await using high = reader(hub, 2);
    await high.received(1);
    expect(await low.failed()).toMatchObject({
      code: "ReceiverDisconnectedError",
      message: expect.stringMatching(/New receiver .* with higher epoch of '2'/),
    });
    expect(high.errors).toEqual([]);
  });

  test("one of the same epoch ends the former", async () => {
    const hub = await hubWithEvent("same");
    await using first = reader(hub, 1);
    await first.received(1);
    await using second = reader(hub, 1);
    await second.received(1);
    expect((await first.failed()).code).toBe("ReceiverDisconnectedError");
  });

  test("one of a lower epoch is refused as long as the higher one is attached", async () => {
    const hub = await hubWithEvent("lower");
    await using high = reader(hub, 5);
    await high.received(1);
    await using low = reader(hub, 4);
    expect(await low.failed()).toMatchObject({
      code: "ReceiverDisconnectedError",
      message: expect.stringMatching(/higher epoch '5' already exists/),
    });
    await low.close();
    await high.close();
    await using again = reader(hub, 1);
    await again.received(1);
    expect(again.errors).toEqual([]);
  });

  test("one with an epoch ends all without; one without is refused beside it, in its own group only", async () => {
    const hub = await hubWithEvent("mixed");
    await using plain = reader(hub);
    await using another = reader(hub);
    await plain.received(1);
    await another.received(1);
    await using exclusive = reader(hub, 1);
    await exclusive.received(1);
    for (const each of [plain, another]) {
      expect((await each.failed()).code).toBe("ReceiverDisconnectedError");
      await each.close();
    }
    await using refused = reader(hub);
    expect((await refused.failed()).code).toBe("ReceiverDisconnectedError");
    await using apart = reader(hub, undefined, "other");
    await apart.received(1);
    expect(exclusive.errors).toEqual([]);
  });

  test("the sixth without an epoch is refused", async () => {
    const hub = await hubWithEvent("five");
    const readers = Array.from({ length: 5 }, () => reader(hub));
    for (const each of readers) await each.received(1);
    await using sixth = reader(hub);
    expect(await sixth.failed()).toMatchObject({
      code: "QuotaExceededError",
      message: expect.stringMatching(/maximum number of allowed receivers .* which is 5/),
    });
    await sixth.close();
    await readers.pop()!.close();
    await using instead = reader(hub);
    await instead.received(1);
    for (const each of readers) {
      expect(each.errors).toEqual([]);
      await each.close();
    }
  });
});
