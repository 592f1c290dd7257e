import { type AddressInfo, type Socket, connect as connectTo, createServer } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { AckCalls } from "../../../../adapters/pubsub/subscription/ack-calls.ts";
import { Leases } from "../../../../adapters/pubsub/subscription/leases.ts";
import { PullStream } from "../../../../adapters/pubsub/subscription/pull-stream.ts";
import type { PubSubCapability } from "../../../../adapters/pubsub/capabilities.ts";
import type { PubSubService } from "../../../../adapters/pubsub/service.ts";
import { connect } from "../../../../src/connect.ts";
import type { Connection } from "../../../../src/connection-types.ts";
import { flights, harness } from "./harness.ts";

// Silence is the only sign that a replay is at its end. What is not silence, and must not end it.

type Flights = Connection<PubSubCapability>;

interface Sent {
  readonly key: string;
  readonly value: string;
}

/** So many messages of each of these keys, by turns. */
function messages(keys: number, each: number, first = 0, size = 0): readonly Sent[] {
  return Array.from({ length: keys * each }, (_, index) => ({
    key: `key-${index % keys}`,
    value: `${first + Math.floor(index / keys)}${" ".repeat(size)}`,
  }));
}

async function send(connection: Flights, sent: readonly Sent[]): Promise<void> {
  const producer = flights(connection).producer();
  await producer.sendBatch(sent);
  await producer.close();
}

/** By key its values, in the order in which they came. */
class Arrivals {
  readonly byKey: Record<string, string[]> = {};
  count = 0;

  add({ key, value }: { readonly key: string | null; readonly value: string }): void {
    (this.byKey[key!] ??= []).push(value.trim());
    this.count += 1;
  }

  /** Without what came again. */
  get firsts(): Record<string, string[]> {
    return Object.fromEntries(Object.entries(this.byKey).map(([key, values]) => [key, [...new Set(values)]]));
  }
}

/** Each once, in order. */
function allOf(keys: number, each: number): Record<string, string[]> {
  const values = Array.from({ length: each }, (_, index) => String(index));
  return Object.fromEntries(Array.from({ length: keys }, (_, key) => [`key-${key}`, values]));
}

test.concurrent(
  "a replay until a time is whole and in order while later messages of each key come between",
  { timeout: 60_000 },
  async () => {
    await using under = await harness();
    const [keys, each] = [40, 150];
    await send(under.connection, messages(keys, each));
    await delay(20);
    const until = { timestamp: Date.now() };
    await delay(20);
    await send(under.connection, messages(keys, each, each));

    const whole = new Arrivals();
    for await (const message of flights(under.connection).reader({ until })) whole.add(message);
    expect(whole.byKey).toEqual(allOf(keys, each));

    const halves = new Arrivals();
    const first = flights(under.connection).reader({ until });
    await first.bookmark();
    for await (const message of first) {
      halves.add(message);
      if (halves.count >= (keys * each) / 2) break;
    }
    const from = { bookmark: await first.bookmark() };
    for await (const message of flights(under.connection).reader({ from, until })) halves.add(message);
    expect(halves.byKey).toEqual(allOf(keys, each));
  },
);

test.concurrent("a replay does not end while the window is used up because acknowledgements fail", { timeout: 60_000 }, async () => {
  await using under = await harness();
  const [keys, each] = [10, 300];
  await send(under.connection, messages(keys, each));
  under.emulator.answerWith({ method: "Acknowledge", code: 14, times: 5 });
  const arrivals = new Arrivals();
  for await (const message of flights(under.connection).reader({ until: "now" })) arrivals.add(message);
  expect(arrivals.byKey).toEqual(allOf(keys, each));
});

/** Passes everything on, until much has come on one connection: then what is on its way is lost, once. */
async function losingProxy(
  address: string,
  afterBytes: number,
): Promise<AsyncDisposable & { readonly address: string; readonly lost: number }> {
  const [host, port] = address.split(":") as [string, string];
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const service = connectTo(Number(port), host);
    let bytes = 0;
    const close = (): void => {
      for (const socket of [client, service]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, service]) {
      sockets.add(socket);
      socket.on("error", close);
      socket.on("close", close);
    }
    client.pipe(service);
    service.on("data", (data: Buffer) => {
      bytes += data.length;
      if (lost === 0 && bytes > afterBytes) {
        lost = 1;
        service.pause();
        setTimeout(close, 300);
      } else if (!client.write(data)) {
        service.pause();
        client.once("drain", () => service.resume());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The client's half of a stream whose other half the test plays. */
interface FakeService extends AsyncDisposable {
  readonly pull: PullStream;
  /** One for each sign of life that the stream was asked for. */
  readonly signs: object[];
  answersSigns: boolean;
  /** Sent, one after the other, when the client ends the stream. */
  last: readonly string[];
  readonly leases: Leases;
  respond(...messageIds: string[]): void;
}

const BETWEEN_LAST_MS = 800;

function fakeService(): FakeService {
  const over = new AbortController();
  const signs: object[] = [];
  const respond = (...messageIds: string[]): void =>
    void call.push({ receivedMessages: messageIds.map((messageId) => ({ ackId: `ack-${messageId}`, message: { messageId } })) });
  const call: Duplex & { cancel(): void } = Object.assign(
    new Duplex({
      objectMode: true,
      read: () => undefined,
      write(request: { readonly subscription?: string }, _, done) {
        if (request.subscription === undefined) {
          signs.push(request);
          if (fake.answersSigns) respond();
        }
        done();
      },
      final(done) {
        done();
        void (async () => {
          for (const messageId of fake.last) {
            await delay(BETWEEN_LAST_MS);
            respond(messageId);
          }
          call.push(null);
        })();
      },
    }),
    { cancel: () => void call.destroy() },
  );
  const connection = { closing: over.signal, stream: async () => call, subscriber: async () => ({}) };
  const report = Object.assign(() => undefined, { wants: () => false });
  const service = { connection, report, seekSettlingMs: 0, quietMs: 0 } as unknown as PubSubService;
  const calls = new AckCalls(service, "flights", "s");
  const leases = new Leases(calls, 60);
  const flow = { messages: 10, bytes: 1_000 };
  const pull = new PullStream(
    service,
    { topic: "flights", subscription: "s", isFresh: false, deadlineSeconds: 60, flow, silenceFromMs: 0, check: async () => undefined },
    calls,
    leases,
  );
  const running = pull.run(over.signal);
  const fake: FakeService = {
    pull,
    signs,
    answersSigns: true,
    last: [],
    leases,
    respond,
    async [Symbol.asyncDispose]() {
      over.abort();
      leases.close();
      await running;
    },
  };
  return fake;
}

const signal = new AbortController().signal;

test.concurrent(
  "what is lost with a connection is waited for by a replay, and comes before later messages of its keys",
  { timeout: 60_000 },
  async () => {
    await using under = await harness();
    const [keys, each] = [4, 1_500];
    await send(under.connection, messages(keys, each, 0, 1_000));
    await using proxy = await losingProxy(under.emulator.apiEndpoint, 200_000);
    await using connection = (await connect(
      under.emulator.url.replace(encodeURIComponent(under.emulator.apiEndpoint), proxy.address),
    )) as Flights;
    const arrivals = new Arrivals();
    for await (const message of flights(connection).reader({ until: "now" })) arrivals.add(message);
    expect(arrivals.byKey).toEqual(allOf(keys, each));
    expect(proxy.lost).toBe(1);
  },
);

test.concurrent(
  "a member handles what is lost with a connection before later messages of its keys",
  { timeout: 60_000 },
  async ({ expect }) => {
    await using under = await harness();
    const [keys, each] = [4, 1_500];
    await send(under.connection, messages(keys, each, 0, 1_000));
    await using proxy = await losingProxy(under.emulator.apiEndpoint, 200_000);
    await using connection = (await connect(
      under.emulator.url.replace(encodeURIComponent(under.emulator.apiEndpoint), proxy.address),
    )) as Flights;
    const arrivals = new Arrivals();
    const consumer = flights(connection).consumer({ group: "lossy", sessionTimeoutMs: 10_000, concurrency: 16 });
    const run = consumer.run((message) => arrivals.add(message));
    await expect.poll(() => arrivals.count, { timeout: 40_000 }).toBeGreaterThanOrEqual(keys * each);
    await consumer.close();
    await run;
    expect(arrivals.firsts).toEqual(allOf(keys, each));
    expect(proxy.lost).toBe(1);
  },
);

test.concurrent("a service that does not answer is not silent", { timeout: 60_000 }, async () => {
  await using fake = fakeService();
  await delay(100);
  fake.answersSigns = false;
  const next = fake.pull.next(50, signal);
  await delay(16_500);
  fake.respond("m1");
  expect((await next).map(({ message }) => message.messageId)).toEqual(["m1"]);
});

test.concurrent("what comes while a stream ends is received until its end, however long that takes", { timeout: 60_000 }, async () => {
  const fake = fakeService();
  await delay(100);
  fake.last = ["m1", "m2", "m3", "m4"];
  await fake[Symbol.asyncDispose]();
  expect([...fake.leases.outstanding]).toEqual(fake.last);
});

test("signs of life are no messages: they do not put off the end", async () => {
  await using fake = fakeService();
  const beats = setInterval(() => fake.respond(), 20);
  expect(await fake.pull.next(200, signal)).toEqual([]);
  clearInterval(beats);
});

test("what has come while the process was blocked is no silence", async () => {
  await using fake = fakeService();
  await expect.poll(() => fake.signs.length).toBe(1);
  const next = fake.pull.next(100, signal);
  await delay(20);
  const blocked = Date.now() + 300;
  while (Date.now() < blocked);
  // As the kernel gives it to a process that goes on: behind its timers.
  setImmediate(() => fake.respond("m1"));
  expect((await next).map(({ message }) => message.messageId)).toEqual(["m1"]);
});

test("nothing is silent while a message is outstanding", async () => {
  await using fake = fakeService();
  fake.respond("m1");
  expect(await fake.pull.next(50, signal)).toHaveLength(1);
  const next = fake.pull.next(50, signal);
  expect(await Promise.race([next, delay(500, "waits")])).toBe("waits");
  fake.pull.withhold([{ bytes: 1 } as never]);
  fake.respond();
  expect(await next).toEqual([]);
});

test("what the service itself ends has lost nothing, so that a replay need not wait for it", { timeout: 30_000 }, async () => {
  await using under = await harness();
  const [keys, each] = [4, 50];
  await send(under.connection, messages(keys, each));
  const arrivals = new Arrivals();
  let endedMs = 0;
  for await (const message of flights(under.connection).reader({ until: "now" })) {
    arrivals.add(message);
    if (arrivals.count !== 1) continue;
    await under.emulator.endStreams("flights", 14);
    endedMs = performance.now();
  }
  expect(arrivals.firsts).toEqual(allOf(keys, each));
  expect(performance.now() - endedMs).toBeLessThan(8_000);
});
