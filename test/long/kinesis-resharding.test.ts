import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { type AddressInfo, type Socket, connect as connectTo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { clientsOf } from "../unit/localstack/kinesis/clients.ts";

const MS = 120_000;
const KEYS = Array.from({ length: 40 }, (_, key) => `key-${key}`);
const TABLE = "streamport.orders.workers";
const SEED = 20_261_129;

/** The same numbers in each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

/** The way of one member to the service, which can be cut: then its leases run out, as those of a crashed or frozen process. */
async function cuttable(port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTo(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut };
}

interface Member {
  readonly connection: Connection;
  cut(): void;
}

test("three members, sixteen shards, two minutes of splits, merges, cuts, thefts and stalls: nothing is lost, keys keep their order, checkpoints rise", async () => {
  await using emulator = await startEmulatedKinesis({ topics: { orders: { partitions: 16 } } });
  using clients = clientsOf(emulator);
  const below = random(SEED);
  const received = new Map<string, number[]>();
  const members: Member[] = [];
  const gone: Connection[] = [];
  const { port } = new URL(emulator.endpoint);
  const join = async (): Promise<void> => {
    const way = await cuttable(Number(port));
    const connection = await connect(emulator.url.replace(`:${port}&`, `:${way.port}&`));
    members.push({ connection, cut: () => way.cut() });
    const consumer = connection.topic("orders", { codec: text() }).consumer({
      group: "workers",
      concurrency: 8,
      sessionTimeoutMs: 3_000,
      commit: { everyMs: 50 },
    });
    // A member that is cut off may end with an error.
    const running = consumer.run(async (message) => {
      const [key, number] = message.value.split(" ");
      await delay(below(3));
      received.set(key!, [...(received.get(key!) ?? []), Number(number)]);
    });
    void running.catch(() => undefined);
  };
  for (let joined = 0; joined < 3; joined += 1) await join();
  await using sender = await connect(emulator.url);
  const producer = sender.topic("orders", { codec: text(), key: (value) => value.split(" ")[0]! }).producer();
  const rows = async () => (await clients.dynamo.send(new ScanCommand({ TableName: TABLE, ConsistentRead: true }))).Items ?? [];
  await expect
    .poll(
      async () =>
        rows().then(
          ({ length }) => length,
          () => 0,
        ),
      { timeout: 60_000 },
    )
    .toBe(16);
  const checkpoints = new Map<string, bigint>();
  const endMs = performance.now() + MS;
  let sent = 0;
  while (performance.now() < endMs) {
    await producer.sendBatch(KEYS.map((key) => ({ value: `${key} ${sent}` })));
    sent += 1;
    if (sent % 20 === 0) emulator.reshard("orders", 8 + below(17));
    if (sent % 33 === 0) {
      const [cutOff] = members.splice(below(members.length), 1);
      cutOff!.cut();
      gone.push(cutOff!.connection);
      await join();
    }
    if (sent % 25 === 0) emulator.inject({ kind: "steal-partition", topic: "orders", times: 2 });
    if (sent % 28 === 0) emulator.inject({ kind: "stall", topic: "orders", times: 4, durationMs: 1_000 });
    for (const { leaseKey, checkpoint } of await rows()) {
      if (!/^\d+$/.test(checkpoint?.S ?? "")) continue;
      const now = BigInt(checkpoint!.S!);
      expect(now >= (checkpoints.get(leaseKey!.S!) ?? 0n), `the checkpoint of ${leaseKey!.S} rises`).toBe(true);
      checkpoints.set(leaseKey!.S!, now);
    }
    await delay(100);
  }
  const complete = (): boolean => KEYS.every((key) => new Set(received.get(key)).size === sent);
  await expect.poll(complete, { timeout: 120_000, interval: 500 }).toBe(true);
  for (const [key, numbers] of received) {
    const first = [...new Set(numbers)];
    expect(first, `first occurrences of ${key} are in order`).toEqual(first.toSorted((a, b) => a - b));
  }
  await Promise.all([...members.map(({ connection }) => connection), ...gone].map((connection) => connection.close({ timeoutMs: 2_000 })));
  for (const member of members) member.cut();
});
