import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, type Socket, connect as connectTo, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { connect, text } from "../../src/index.ts";
import { clientsOf } from "../unit/localstack/kinesis/clients.ts";

const MS = 120_000;
const KEYS = Array.from({ length: 40 }, (_, key) => `key-${key}`);
const TABLE = "streamport.orders.workers";
const SEED = 20_261_129;
const PROGRAM = fileURLToPath(new URL("kinesis-member.ts", import.meta.url));
/** Of the members, in milliseconds. */
const SESSION_MS = 3_000;

/** The same numbers in each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

/** The way of one member to the service, which can be cut: then its leases run out while it works on. */
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

/** A process of its own. */
class Member {
  /** 0: it runs. */
  #frozenUntilMs = 0;
  readonly #way: Awaited<ReturnType<typeof cuttable>>;
  readonly #process: ChildProcessByStdio<null, Readable, null>;

  private constructor(way: Awaited<ReturnType<typeof cuttable>>, url: string, onHandled: (value: string) => void) {
    this.#way = way;
    this.#process = spawn(process.execPath, [PROGRAM, url], { stdio: ["ignore", "pipe", "inherit"] });
    createInterface(this.#process.stdout).on("line", onHandled);
  }

  static async start({ url, endpoint }: Pick<EmulatedKinesis, "url" | "endpoint">, onHandled: (value: string) => void): Promise<Member> {
    const { port } = new URL(endpoint);
    const way = await cuttable(Number(port));
    return new Member(way, url.replace(`:${port}&`, `:${way.port}&`), onHandled);
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = performance.now() + forMs;
    this.#process.kill("SIGSTOP");
  }

  thawIfDue(nowMs: number): void {
    if (this.#frozenUntilMs === 0 || nowMs < this.#frozenUntilMs) return;
    this.#frozenUntilMs = 0;
    this.#process.kill("SIGCONT");
  }

  cut(): void {
    this.#way.cut();
  }

  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) {
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
    this.#way.cut();
  }
}

test("three members, sixteen shards, two minutes of splits, merges, crashes, freezes, cuts, thefts and stalls: nothing is lost, keys keep their order, checkpoints rise", async ({
  onTestFinished,
}) => {
  await using emulator = await startEmulatedKinesis({ topics: { orders: { partitions: 16 } } });
  using clients = clientsOf(emulator);
  const below = random(SEED);
  const received = new Map<string, number[]>();
  const onHandled = (value: string): void => {
    const [key, number] = value.split(" ");
    received.set(key!, [...(received.get(key!) ?? []), Number(number)]);
  };
  const members: Member[] = [];
  /** Cut off from the service, and still running. */
  const cutOff: Member[] = [];
  onTestFinished(async () => {
    await Promise.all([...members, ...cutOff].map(async (member) => member.kill()));
  });
  const join = async (): Promise<void> => void members.push(await Member.start(emulator, onHandled));
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
    if (sent % 50 === 17) {
      const [crashed] = members.splice(below(members.length), 1);
      await crashed!.kill();
      await join();
    }
    if (sent % 50 === 42) {
      for (const former of cutOff.splice(0)) await former.kill();
      const [lost] = members.splice(below(members.length), 1);
      lost!.cut();
      cutOff.push(lost!);
      await join();
    }
    // Shorter than a session, or longer.
    if (sent % 30 === 0) members[below(members.length)]!.freeze(500 + below(3 * SESSION_MS));
    for (const member of [...members, ...cutOff]) member.thawIfDue(performance.now());
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
  for (const member of [...members, ...cutOff]) member.thawIfDue(Infinity);
  const complete = (): boolean => KEYS.every((key) => new Set(received.get(key)).size === sent);
  await expect.poll(complete, { timeout: 120_000, interval: 500 }).toBe(true);
  for (const [key, numbers] of received) {
    const first = [...new Set(numbers)];
    expect(first, `first occurrences of ${key} are in order`).toEqual(first.toSorted((a, b) => a - b));
  }
});
