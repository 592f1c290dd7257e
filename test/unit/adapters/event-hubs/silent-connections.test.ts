import { setTimeout as delay } from "node:timers/promises";
import { EventHubProducerClient } from "@azure/event-hubs";
import { expect, test } from "vitest";
import { ConnectionLost } from "../../../../adapters/event-hubs/client/connection-watch.ts";
import { OpenClient } from "../../../../adapters/event-hubs/client/open-client.ts";
import { BreakableRoad } from "../../../long/breakable-road.ts";
import { NO_RETRIES } from "../../localstack/event-hubs/raw-client.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

/** In the place of half a minute. */
const IDLE_TIME_OUT_MS = 300;
/** In the place of ten seconds. */
const SILENT_MS = 300;
const NEVER_MS = 60_000;
/** The AMQP library waits for twice the idle time-out, and for a second until it gives up the connection. */
const LATE_MS = 3_000;

async function clientBehindRoad(world: EventHubsWorld, idleTimeOutMs: number, silentMs: number) {
  const { connectionString } = world.emulator;
  const port = /127\.0\.0\.1:(\d+)/.exec(connectionString)![1]!;
  const road = await BreakableRoad.to(Number(port));
  const client = new EventHubProducerClient(connectionString.replace(port, String(road.port)), "flights", NO_RETRIES);
  const open = new OpenClient(client, idleTimeOutMs, silentMs);
  await open.opened();
  const lost = Promise.withResolvers<ConnectionLost>();
  open.watch.watch(lost.resolve);
  const ask = () => open.watch.during(AbortSignal.timeout(10_000), (abortSignal) => client.getPartitionIds({ abortSignal }));
  const close = async (): Promise<void> => {
    await open.close();
    await road[Symbol.asyncDispose]();
  };
  return { road, open, ask, lost: lost.promise, [Symbol.asyncDispose]: close };
}

test("a connection that is lost without a word is found by a request that waits for its answer", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  await using client = await clientBehindRoad(world, NEVER_MS, SILENT_MS);
  expect(client.road.forget()).toBe(1);
  await expect(client.ask()).rejects.toBeInstanceOf(ConnectionLost);
  await client.open.opened();
  expect(await client.ask()).toEqual(["0"]);
});

test(
  "an idle connection that is lost without a word is found, as the service is silent for longer than was announced",
  GENEROUS,
  async () => {
    await using world = await EventHubsWorld.start();
    await using client = await clientBehindRoad(world, IDLE_TIME_OUT_MS, NEVER_MS);
    expect(client.road.forget()).toBe(1);
    expect(await Promise.race([client.lost, delay(LATE_MS)])).toBeInstanceOf(ConnectionLost);
    await client.open.opened();
    expect(await client.ask()).toEqual(["0"]);
  },
);

test("an idle connection to a service that gives signs of life stays", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  await using client = await clientBehindRoad(world, IDLE_TIME_OUT_MS, NEVER_MS);
  expect(await Promise.race([client.lost, delay(LATE_MS, "there")])).toBe("there");
  expect(await client.ask()).toEqual(["0"]);
});
