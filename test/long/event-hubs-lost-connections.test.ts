import { expect, test } from "vitest";
import { eventHubs } from "../../adapters/event-hubs/index.ts";
import { startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { afterSilentLoss } from "./after-silent-loss.ts";
import { BreakableRoad } from "./breakable-road.ts";

interface Reached extends AsyncDisposable {
  readonly road: BreakableRoad;
  readonly connection: Connection;
}

/** @param areBlobsReached by the same road; else the group keeps its leases whatever happens on the road */
async function reached(areBlobsReached: boolean): Promise<Reached> {
  const emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 2, groups: ["delays"] } } });
  const port = /127\.0\.0\.1:(\d+)/.exec(emulator.connectionString)![1]!;
  const road = await BreakableRoad.to(Number(port));
  const onRoad = (address: string): string => address.replace(port, String(road.port));
  const connectionString = onRoad(emulator.connectionString);
  const checkpoints = areBlobsReached ? onRoad(emulator.checkpoints) : emulator.checkpoints;
  const connection = await connect(eventHubs({ connectionString, checkpoints, developmentEmulator: true }));
  return {
    road,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await road[Symbol.asyncDispose]();
      await emulator.close();
    },
  };
}

test.each([
  { what: "all connections", areBlobsReached: true },
  { what: "the connections to the hub", areBlobsReached: false },
])(
  "after $what were lost without a word a send goes on within 15 s and a group within 65 s, with the settings that nobody has changed",
  { timeout: 240_000 },
  async ({ areBlobsReached }) => {
    await using under = await reached(areBlobsReached);
    const { connection, road } = under;
    const topic = connection.topic("flights", { codec: text() });
    const values: string[] = [];
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest" });
    const running = consumer.run(({ value }) => void values.push(value));
    const producer = topic.producer();
    const send = (value: string): Promise<unknown> => producer.send({ key: "k", value });
    const { sentMs, handledMs } = await afterSilentLoss({ road, send, values });
    expect(sentMs).toBeLessThan(15_000);
    expect(handledMs).toBeLessThan(65_000);
    await send("2");
    await expect.poll(() => [...new Set(values)], { timeout: 30_000 }).toEqual(["0", "1", "2"]);
    await producer.close();
    await consumer.close();
    await running;
  },
);
