import { once } from "node:events";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { performance } from "node:perf_hooks";
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

/** Of SASL, as the service answers it: https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-security-v1.0-os.html#section-sasl */
const HEADER_OF_SASL = Buffer.from("AMQP\u0003\u0001\u0000\u0000", "latin1");

test.each([
  ["that is never answered", null],
  ["whose answers end while it opens", HEADER_OF_SASL],
])("a connection %s is given up long before the minute of the library", GENEROUS, async (_, answer) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.once("data", () => answer !== null && socket.write(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=k;SharedAccessKey=a2V5;UseDevelopmentEmulator=true`;
  const open = new OpenClient(new EventHubProducerClient(connectionString, "flights", NO_RETRIES), NEVER_MS, SILENT_MS);
  const startedMs = performance.now();
  try {
    await expect(open.opened()).rejects.toBeInstanceOf(ConnectionLost);
    expect(performance.now() - startedMs).toBeLessThan(LATE_MS);
  } finally {
    await open.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
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
