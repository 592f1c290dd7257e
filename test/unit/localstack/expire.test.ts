import { expect, test } from "vitest";
import { startEmulator } from "../../../localstack/index.ts";
import { type From, type Gap, connect, text } from "../../../src/index.ts";

test.each(["memory", "kafka"] as const)(
  "the emulator of %s applies retention on demand: what was stored is gone, no position is used again, and what comes is kept",
  async (provider) => {
    await using emulator = await startEmulator(provider, { topics: { orders: { partitions: 2 } } });
    await using connection = await connect(emulator.url);
    const topic = connection.topic("orders", { codec: text() });
    const producer = topic.producer();
    const send = async (value: string) => Promise.all(["0", "1"].map((toPartition) => producer.send({ value, key: null, toPartition })));
    const [before] = await send("before");
    await emulator.expire!("orders");
    const read = async (from: From, onGap?: (gap: Gap) => void): Promise<readonly string[]> => {
      const values: string[] = [];
      for await (const { value } of topic.reader({ from, until: "now", onGap })) values.push(value);
      return values;
    };
    expect(await read("earliest")).toEqual([]);
    const [after] = await send("after");
    expect(await read("earliest")).toEqual(["after", "after"]);
    expect(after!.position).not.toBe(before!.position);
    await expect(read({ at: before!.position! })).rejects.toMatchObject({ code: "position-out-of-range" });
    const gaps: Gap[] = [];
    expect(await read({ at: before!.position! }, (gap) => void gaps.push(gap))).toEqual(["after"]);
    expect(gaps).toEqual([{ topic: "orders", partition: "0", resumesAt: after!.position, missing: 1 }]);
    await emulator.expire!("orders");
    await emulator.expire!("orders");
    expect(await read("earliest")).toEqual([]);
  },
);
