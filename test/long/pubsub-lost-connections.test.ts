import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { PubSubCapability } from "../../adapters/pubsub/capabilities.ts";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { type Connection, connect } from "../../src/index.ts";
import { consume, flights, numbers, sendTo } from "../unit/adapters/pubsub/harness.ts";
import { afterSilentLoss } from "./after-silent-loss.ts";
import { BreakableRoad } from "./breakable-road.ts";

const AWAY_MS = 30_000;
const KEYS = ["a", "b", "c", "d"];

interface Reached extends AsyncDisposable {
  readonly road: BreakableRoad;
  readonly connection: Connection<PubSubCapability>;
}

async function reached(): Promise<Reached> {
  const emulator = await startEmulatedPubSub({ topics: { flights: {} } });
  const road = await BreakableRoad.to(Number(emulator.apiEndpoint.split(":")[1]));
  const url = `pubsub://${emulator.project}?endpoint=http://127.0.0.1:${road.port}&seekSettlingMs=0&quietMs=100`;
  const connection = (await connect(url)) as Connection<PubSubCapability>;
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

/** Its values in the order of their first arrivals. */
const firstsOf = (values: readonly string[], key: string): string[] => [...new Set(values.filter((value) => value.startsWith(key)))];

test(
  "a service that cannot be reached for 30 s costs nothing: what is sent, handled and read meanwhile is stored, settled and goes on, in order",
  { timeout: 180_000 },
  async () => {
    await using under = await reached();
    const { connection, road } = under;
    const valuesOf = (key: string): string[] => numbers(150).map((number) => `${key}${number}`);
    const { values, close } = consume(connection, "away", async () => delay(20), { concurrency: 8 });
    const read: string[] = [];
    const reader = flights(connection).reader({ from: "earliest" });
    const reading = (async () => {
      for await (const { value } of reader) {
        read.push(value);
        if (new Set(read).size === 150 * KEYS.length) break;
      }
    })();
    const producer = flights(connection).producer();
    const sends: Promise<unknown>[] = [];
    const sendAll = (from: number, to: number): void => {
      for (let index = from; index < to; index += 1) {
        for (const key of KEYS) sends.push(producer.send({ key, value: valuesOf(key)[index]! }));
      }
    };
    sendAll(0, 50);
    await expect.poll(() => values.length, { timeout: 10_000 }).toBeGreaterThan(20);
    sendAll(50, 100);
    await road.close();
    sendAll(100, 150);
    await delay(AWAY_MS);
    await road.open();
    const openedMs = performance.now();
    await Promise.all(sends);
    expect(performance.now() - openedMs).toBeLessThan(10_000);
    await expect.poll(() => new Set(values).size, { timeout: 90_000 }).toBe(150 * KEYS.length);
    await reading;
    for (const key of KEYS) {
      expect(firstsOf(values, key)).toEqual(valuesOf(key));
      expect(firstsOf(read, key)).toEqual(valuesOf(key));
    }
    await producer.close();
    await close();
  },
);

test(
  "after all connections were lost without a word a send goes on within 45 s and a group within 75 s, with the settings that nobody has changed",
  { timeout: 240_000 },
  async () => {
    await using under = await reached();
    const { connection, road } = under;
    const { values, close } = consume(connection, "silent");
    const producer = flights(connection).producer();
    const send = (value: string): Promise<unknown> => producer.send({ key: "k", value });
    const { sentMs, handledMs } = await afterSilentLoss({ road, send, values });
    expect(sentMs).toBeLessThan(45_000);
    expect(handledMs).toBeLessThan(75_000);
    await sendTo(connection, ["2"], "k");
    await expect.poll(() => [...new Set(values)], { timeout: 30_000 }).toEqual(["0", "1", "2"]);
    await producer.close();
    await close();
  },
);
