import { describe, expect, test } from "vitest";
import { type EmulatedProvider, startEmulator } from "../../../../localstack/index.ts";
import { bytesTopic } from "../../../../src/cli/process/with-connection.ts";
import { lastMessages } from "../../../../src/cli/process/last-messages.ts";
import { fromOf, untilOf } from "../../../../src/cli/process/offset-place.ts";
import { type Connection, connect } from "../../../../src/index.ts";

const PARTITIONS = ["0", "1", "2"];

/** Longer than the times lie back that messages are given here. */
const CENTURY_MS = 100 * 365 * 24 * 3_600_000;

async function filled(provider: EmulatedProvider, counts: readonly number[], timeOf: (index: number) => number | undefined) {
  const emulator = await startEmulator(provider, { topics: { t: { partitions: PARTITIONS.length, retentionMs: CENTURY_MS } } });
  const connection = await connect(emulator.url);
  const producer = bytesTopic(connection, "t").producer();
  for (const [partition, count] of counts.entries()) {
    await producer.sendBatch(
      Array.from({ length: count }, (_, index) => ({
        key: null,
        value: Buffer.from(`${partition}/${index}`),
        toPartition: String(partition),
        producedAt: timeOf(index),
      })),
    );
  }
  const close = async (): Promise<void> => {
    await connection.close();
    await emulator.close();
  };
  return { connection, [Symbol.asyncDispose]: close };
}

async function lastOf(connection: Connection, count: number, partitions?: readonly string[]): Promise<readonly string[]> {
  const { from, until } = await lastMessages(connection, "t", count, partitions);
  // What is stored meanwhile is not among the last.
  await bytesTopic(connection, "t")
    .producer()
    .send({ key: null, value: Buffer.from("later"), toPartition: "0" });
  const values: string[] = [];
  for await (const { value } of bytesTopic(connection, "t").reader({ from, until, partitions }))
    values.push(Buffer.from(value ?? []).toString());
  return values.toSorted();
}

describe.each<EmulatedProvider>(["memory", "kafka"])("on %s", (provider) => {
  const HOUR_MS = 3_600_000;
  const nowMs = Date.now();
  test.each<readonly [string, (index: number) => number | undefined]>([
    ["just now", () => undefined],
    ["over years, the latest an hour ago", (index) => nowMs - HOUR_MS - (200 - index) * 24 * HOUR_MS],
    ["at one time long ago", () => Date.UTC(2001, 0, 1)],
    ["in an order that is not that of their times", (index) => nowMs - ((index * 7_919) % 200) * HOUR_MS],
    ["in the future", (index) => nowMs + index * 10_000],
  ])("the last messages of each partition, stored %s", async (_, timeOf) => {
    await using place = await filled(provider, [200, 2, 0], timeOf);
    expect(await lastOf(place.connection, 3)).toEqual(["0/197", "0/198", "0/199", "1/0", "1/1"]);
    expect(await lastOf(place.connection, 1, ["1"])).toEqual(["1/1"]);
  });

  test.each<readonly [string, (index: number) => number]>([
    ["at one time", () => nowMs - 5_000],
    ["within seconds", (index) => nowMs - 50_000 + index],
    ["at one time in the future", () => nowMs + HOUR_MS / 2],
  ])("of many stored %s not all have to be read, and the last are found", { timeout: 60_000 }, async (_, timeOf) => {
    await using place = await filled(provider, [25_000, 0, 1], timeOf);
    expect(await lastOf(place.connection, 2)).toEqual(["0/24998", "0/24999", "2/0"]);
  });

  test("an offset is a place in its partition, inclusive as a begin and exclusive as an end", async () => {
    await using place = await filled(provider, [10, 10, 0], () => undefined);
    const { connection } = place;
    const read = async (from: string, until: string, partitions: readonly string[]): Promise<readonly string[]> => {
      const range = {
        from: await fromOf(connection, "t", { offset: from }, partitions),
        until: await untilOf(connection, "t", { offset: until }, partitions),
      };
      const values: string[] = [];
      for await (const { value } of bytesTopic(connection, "t").reader({ ...range, partitions }))
        values.push(Buffer.from(value ?? []).toString());
      return values;
    };
    expect(await read("3", "6", ["1"])).toEqual(["1/3", "1/4", "1/5"]);
    expect(await read("0", "1", ["0"])).toEqual(["0/0"]);
    expect(await read("10", "10", ["0"])).toEqual([]);
    await expect(read("11", "12", ["0"])).rejects.toMatchObject({ code: "position-out-of-range" });
    await expect(read("0", "1", ["9"])).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(fromOf(connection, "t", { offset: "3" }, undefined)).rejects.toThrow(
      /offset:3 is of one partition, which --partition names \(t has 3\)/,
    );
    await expect(fromOf(connection, "t", { offset: "3" }, ["0", "1"])).rejects.toThrow(/received 2/);
  });
});

test("where no reader can begin at a place, that is said", async () => {
  await using connection = await connect("memory:?create=t&like=pubsub");
  await expect(fromOf(connection, "t", { offset: "3" }, ["0"])).rejects.toMatchObject({
    code: "unsupported",
    capability: "startAtPosition",
  });
  await expect(lastMessages(connection, "t", 3, undefined)).rejects.toMatchObject({ code: "unsupported" });
});
