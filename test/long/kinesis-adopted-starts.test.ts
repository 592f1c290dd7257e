import { setTimeout as later } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { connect, text } from "../../src/index.ts";
import { checkOrder } from "./kcl/check-order.ts";
import { type KclSettings, KclWorker, kclRequirements } from "./kcl/kcl-worker.ts";
import { OrdersStream } from "./kcl/orders-stream.ts";

const missing = kclRequirements();
const WAIT = { timeout: 180_000, interval: 200 };
const APPLICATION = "billing-application";
const SHARD = (number: number): string => `shardId-${String(number).padStart(12, "0")}`;
const QUARTER = 2n ** 126n;

const textsOf = (...rounds: readonly (readonly { readonly text: string }[])[]): readonly string[] =>
  rounds
    .flat()
    .map((sent) => sent.text)
    .toSorted();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])(
  "rows that the Kinesis Client Library has made before it has handled anything",
  (reason) => {
    test(`environment-missing: ${reason}`, async () => {
      await expect(
        KclWorker.start({ endpoint: "http://127.0.0.1:1", stream: "a", application: APPLICATION, start: "LATEST" }),
      ).rejects.toThrow(reason);
    });
  },
);

/** Starts an application, waits until it is at its start in these shards, and ends it: its table has the rows that it has made, and no checkpoint of a record. */
async function makeRows(stream: OrdersStream, start: KclSettings["start"], shards: readonly string[]): Promise<void> {
  await using worker = await KclWorker.start({ ...stream.settingsOf(APPLICATION), start });
  const [kind = ""] = start.split(":");
  const expected = Object.fromEntries(shards.map((shard) => [shard, kind]));
  const starts = (): object => {
    worker.requireRunning();
    return Object.fromEntries(worker.starts);
  };
  await expect.poll(starts, WAIT).toEqual(expected);
  await worker.kill();
  expect(worker.texts).toEqual([]);
  expect(Object.fromEntries(await stream.checkpoints(APPLICATION))).toEqual(expected);
}

/** The group that has taken the table over. */
async function takeOver({ emulator }: OrdersStream, initialPosition: "earliest" | "latest" | { readonly timestamp: Date }) {
  const connection = await connect(emulator.url, { groups: { billing: APPLICATION } });
  const handled: string[] = [];
  const owned = new Set<string>();
  const consumer = connection.topic("orders", { codec: text() }).consumer({
    group: "billing",
    sessionTimeoutMs: 6_000,
    initialPosition,
    commit: { everyMs: 50 },
    onAssigned: (partitions) => partitions.forEach((partition) => owned.add(partition)),
  });
  const running = consumer.run(({ value }) => void handled.push(value));
  return {
    handled,
    owned,
    async [Symbol.asyncDispose](): Promise<void> {
      await consumer.close();
      await running;
      await connection.close();
    },
  };
}

/** All of these messages, each once, and what has one key in order. */
async function expectHandled({ handled }: { readonly handled: readonly string[] }, wanted: readonly string[]): Promise<void> {
  await expect.poll(() => handled.length, WAIT).toBeGreaterThanOrEqual(wanted.length);
  await later(2_000);
  expect(handled.toSorted()).toEqual(wanted);
  checkOrder(handled);
}

const here = missing === null ? ["Kinesis Client Library for Java"] : [];

test.each(here)("LATEST of the %s: the ends of its shards at the take-over, and all of what has come of a shard since", async () => {
  await using stream = await OrdersStream.start(1);
  // A closed shard that was before the application: it has no row, and nothing of it is meant.
  const before = await stream.publish();
  stream.emulator.reshard("orders", 2);
  await stream.publish();
  await makeRows(stream, "LATEST", [SHARD(1), SHARD(2)]);
  await stream.publish();
  await stream.split(SHARD(1), QUARTER);
  const between = await stream.publish();
  await using group = await takeOver(stream, "earliest");
  await expect.poll(() => group.owned.has(SHARD(2)), WAIT).toBe(true);
  const after = [...(await stream.publish()), ...(await stream.publish())];
  const ofChildren = between.filter(({ shard }) => shard > SHARD(2));
  expect(ofChildren.length).toBeGreaterThan(0);
  expect(ofChildren.length).toBeLessThan(between.length);
  await expectHandled(group, textsOf(ofChildren, after));
  expect(group.owned).not.toContain(before[0]!.shard);
});

test.each(here)("AT_TIMESTAMP of the %s, at the time that its application had: all from then on, and nothing before", async () => {
  await using stream = await OrdersStream.start(1);
  await stream.publish();
  stream.emulator.reshard("orders", 2);
  await stream.publish();
  await later(50);
  const time = new Date();
  await later(50);
  await makeRows(stream, `AT_TIMESTAMP:${time.getTime()}`, [SHARD(1), SHARD(2)]);
  const rounds = [await stream.publish()];
  await stream.split(SHARD(1), QUARTER);
  rounds.push(await stream.publish());
  await using group = await takeOver(stream, { timestamp: time });
  await expect.poll(() => group.owned.has(SHARD(2)), WAIT).toBe(true);
  rounds.push(await stream.publish());
  await expectHandled(group, textsOf(...rounds));
});

test.each(here)("TRIM_HORIZON of the %s: everything, whatever the group's members say", async () => {
  await using stream = await OrdersStream.start(2);
  await makeRows(stream, "TRIM_HORIZON", [SHARD(0), SHARD(1)]);
  const rounds = [await stream.publish()];
  await stream.split(SHARD(0), QUARTER);
  rounds.push(await stream.publish());
  await using group = await takeOver(stream, "latest");
  await expect.poll(() => group.owned.has(SHARD(1)), WAIT).toBe(true);
  rounds.push(await stream.publish());
  await expectHandled(group, textsOf(...rounds));
});

test.each(here)(
  "checkpoints of the %s: nothing that it has counted comes again, also of ended shards whose rows it has removed",
  async () => {
    await using stream = await OrdersStream.start(2);
    const ended = await stream.publish();
    const worker = await KclWorker.start({ ...stream.settingsOf(APPLICATION), start: "TRIM_HORIZON", cleanupMs: 1_000 });
    await using ending = worker;
    await expect.poll(() => new Set(worker.texts).size, WAIT).toBe(ended.length);
    stream.emulator.reshard("orders", 4);
    const children = await stream.publish();
    await expect.poll(() => new Set(worker.texts).size, WAIT).toBe(ended.length + children.length);
    const last = Object.fromEntries(children.map(({ shard, sequenceNumber }) => [shard, sequenceNumber]));
    expect(Object.keys(last).toSorted()).toEqual([2, 3, 4, 5].map(SHARD));
    await expect.poll(async () => Object.fromEntries(await stream.checkpoints(APPLICATION)), WAIT).toEqual(last);
    await ending.kill();
    const after = await stream.publish();
    await using group = await takeOver(stream, "earliest");
    await expect.poll(() => after.every((sent) => group.handled.includes(sent.text)), WAIT).toBe(true);
    await later(2_000);
    expect(group.handled.toSorted()).toEqual(textsOf(after));
    checkOrder(group.handled);
  },
);
