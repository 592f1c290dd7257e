import { DescribeStreamSummaryCommand } from "@aws-sdk/client-kinesis";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import type { CallEvent } from "../../../../src/index.ts";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

test("any number of shards is reached in steps of at most the double and the half, and nothing is lost on the way", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  const keys = Array.from({ length: 24 }, (_, key) => `key-${key}`);
  let steps = 0;
  const note = (event: unknown): void => {
    if ((event as CallEvent).operation === "UpdateShardCount") steps += 1;
  };
  subscribe("streamport:call", note);
  try {
    let sent = 0;
    for (const [partitions, expected] of [
      [11, 3],
      [2, 3],
    ] as const) {
      steps = 0;
      const changing = connection.admin.updateTopic("orders", { partitions });
      for (let round = 0; round < 20; round += 1) {
        await producer.sendBatch(keys.map((key) => ({ value: `${key} ${sent}` })));
        sent += 1;
      }
      await changing;
      expect(steps).toBe(expected);
      const { StreamDescriptionSummary } = await world.raw.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
      expect(StreamDescriptionSummary!.OpenShardCount).toBe(partitions);
    }
    await expect.poll(() => consuming.values.length, WAIT).toBe(keys.length * sent);
    for (const values of [await stored(connection, "orders"), consuming.values]) {
      expect(values).toHaveLength(keys.length * sent);
      for (const [key, numbers] of keysOf(values)) expect(numbers, key).toEqual(Array.from({ length: sent }, (_, number) => number));
    }
  } finally {
    unsubscribe("streamport:call", note);
  }
});
