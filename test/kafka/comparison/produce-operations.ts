import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { initProducerIdApi } from "../../../localstack/kafka/broker/requests/init-producer-id.ts";
import { produceApi } from "../../../localstack/kafka/broker/requests/produce.ts";
import { type RecordContent, batch } from "./batches.ts";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const ONE: readonly RecordContent[] = [{ value: "one" }];

interface ProduceOptions {
  readonly version?: number;
  readonly acks?: number;
  readonly partition?: number;
  readonly transactionalId?: string | null;
}

/** @returns the server's answer for the one partition */
async function produce(client: RawClient, topic: string, records: Buffer, options: ProduceOptions = {}): Promise<unknown> {
  const { version = 8, acks = -1, partition = 0, transactionalId = null } = options;
  const topicData = [{ name: topic, topicId: "", partitionData: [{ index: partition, records: [records] }] }];
  const { responses } = await client.call(produceApi, version, { transactionalId, acks, timeoutMs: 5_000, topicData });
  const [answer] = responses[0]!.partitionResponses;
  const { errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors } = answer!;
  return {
    errorCode,
    baseOffset,
    hasAppendTime: logAppendTimeMs >= 0,
    logStartOffset,
    badRecords: recordErrors.map(({ batchIndex }) => batchIndex),
  };
}

/** Sends one request to its own topic. */
function producing(
  name: string,
  records: () => Buffer,
  options: ProduceOptions & { readonly settings?: Readonly<Record<string, string>> } = {},
): Operation {
  return operation(`Produce: ${name}`, async (target) => {
    const topic = await target.topic("topic", 1, options.settings);
    await using client = await target.raw();
    return await outcomeOf(produce(client, topic, records(), options));
  });
}

function mangled(at: number, change: (byte: number) => number, contents = ONE): Buffer {
  const bytes = batch(contents);
  bytes[at] = change(bytes[at]!);
  return bytes;
}

async function newProducer(client: RawClient): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
  for (;;) {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    const { errorCode, producerId, producerEpoch } = await client.call(initProducerIdApi, 4, request);
    if (errorCode === 0) return { producerId, producerEpoch };
    // A server that has just started is still getting its own block of ids.
    await delay(20);
  }
}

/** Batches of one idempotent producer: `[sequence, count]`, and the epoch where it is not 0. */
function sequences(name: string, batches: readonly (readonly [sequence: number, count: number, epoch?: number])[]): Operation {
  return operation(`Produce, idempotent: ${name}`, async (target) => {
    const topic = await target.topic("topic");
    await using client = await target.raw();
    const { producerId } = await newProducer(client);
    const outcomes: unknown[] = [];
    for (const [baseSequence, count, producerEpoch = 0] of batches) {
      const contents = Array.from({ length: count }, (_, index) => ({ value: `v${index}` }));
      outcomes.push(await produce(client, topic, batch(contents, { producerId, producerEpoch, baseSequence })));
    }
    return outcomes;
  });
}

async function ofEveryVersion(target: Target): Promise<unknown> {
  const topic = await target.topic("topic");
  await using client = await target.raw();
  const outcomes: unknown[] = [];
  for (let version = 3; version <= 12; version += 1) outcomes.push(await produce(client, topic, batch(ONE), { version }));
  return outcomes;
}

const HOUR_MS = 3_600_000;

export const produceOperations: readonly Operation[] = [
  operation("Produce: every version that names topics", ofEveryVersion),
  ...[0, 1, 2].map((version) => producing(`version ${version}, which is advertised but not served`, () => batch(ONE), { version })),
  producing("several records", () => batch([{ value: "a" }, { value: "b" }, { key: "k", value: null }])),
  producing("acks 1", () => batch(ONE), { acks: 1 }),
  producing("more replicas asked for than there are", () => batch(ONE), { settings: { "min.insync.replicas": "2" } }),
  producing("acks 2", () => batch(ONE), { acks: 2 }),
  producing("a partition that does not exist", () => batch(ONE), { partition: 1 }),
  producing("a broken checksum", () => mangled(70, (byte) => byte ^ 1)),
  producing("message format 1", () => mangled(16, () => 1)),
  producing("a length that is too large", () => mangled(11, (byte) => byte + 1)),
  producing("a length that is too small", () => mangled(11, (byte) => byte - 1)),
  producing("two batches", () => Buffer.concat([batch(ONE), batch(ONE)])),
  producing("nothing", () => Buffer.alloc(0)),
  producing("half a batch", () => batch(ONE).subarray(0, 40)),
  producing("a base offset", () => batch(ONE, { baseOffset: 7n })),
  producing("more records than it says", () => batch([{}, {}], { count: 1, lastOffsetDelta: 0 })),
  producing("fewer records than it says", () => batch(ONE, { count: 2, lastOffsetDelta: 1 })),
  producing("a count that is not that of the offsets", () => batch([{}, {}], { lastOffsetDelta: 4 })),
  producing("no records", () => batch([], { lastOffsetDelta: -1 })),
  producing("a control batch", () => batch(ONE, { attributes: 0x20 })),
  producing("the time of storing, set by the producer", () => batch(ONE, { attributes: 0x08 })),
  producing("a codec that does not exist", () => batch(ONE, { attributes: 5 })),
  producing("gzip", () => batch(ONE, { attributes: 1 }, (payload) => gzipSync(payload))),
  producing("gzip that is none", () => batch(ONE, { attributes: 1 })),
  producing("snappy that is none", () => batch(ONE, { attributes: 2 })),
  producing("LZ4 that is none", () => batch(ONE, { attributes: 3 })),
  producing("zstd that is none", () => batch(ONE, { attributes: 4 })),
  producing("zstd in a version before it", () => batch(ONE, { attributes: 4 }), { version: 6 }),
  producing("a record that ends too early", () => batch(ONE, {}, (payload) => payload.subarray(0, -2))),
  producing("two hours in the future", () => batch([{}, { timestampDelta: 2 * HOUR_MS }])),
  producing("a year ago", () => batch(ONE, { baseTimestamp: BigInt(Date.now() - 365 * 24 * HOUR_MS) })),
  producing("a year ago, where a day is allowed", () => batch(ONE, { baseTimestamp: BigInt(Date.now() - 365 * 24 * HOUR_MS) }), {
    settings: { "message.timestamp.before.max.ms": String(24 * HOUR_MS) },
  }),
  producing("two hours in the future, where the server sets the time", () => batch([{ timestampDelta: 2 * HOUR_MS }]), {
    settings: { "message.timestamp.type": "LogAppendTime" },
  }),
  producing("no key on a compacted topic", () => batch([{ key: "k" }, {}, { key: "k" }, {}]), {
    settings: { "cleanup.policy": "compact" },
  }),
  producing("more than max.message.bytes", () => batch([{ value: "x".repeat(500) }]), { settings: { "max.message.bytes": "400" } }),
  producing("as large as max.message.bytes", () => batch([{ value: "x".repeat(500) }]), {
    settings: { "max.message.bytes": String(batch([{ value: "x".repeat(500) }]).length) },
  }),
  producing("an idempotent producer without a sequence", () => batch(ONE, { producerId: 5n, producerEpoch: 0 })),
  operation("Produce: a topic that does not exist, by name and by id", async (target) => {
    await using client = await target.raw();
    const byName = await produce(client, target.name("missing"), batch(ONE));
    const topicId = Buffer.alloc(16, 9).toString("base64url");
    const topicData = [{ name: "", topicId, partitionData: [{ index: 0, records: [batch(ONE)] }] }];
    const { responses } = await client.call(produceApi, 13, { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData });
    return { byName, byId: responses[0]?.partitionResponses.map(({ errorCode }) => errorCode) };
  }),
  operation("Produce: without an acknowledgement", async (target) => {
    const topic = await target.topic("topic");
    await using client = await target.raw();
    const topicData = [{ name: topic, topicId: "", partitionData: [{ index: 0, records: [batch(ONE)] }] }];
    client.send(produceApi, 8, { transactionalId: null, acks: 0, timeoutMs: 5_000, topicData });
    // The next answer is that of the next request.
    return await produce(client, topic, batch(ONE));
  }),
  sequences("one after the other", [
    [0, 2],
    [2, 1],
    [3, 5],
  ]),
  sequences("the same again", [
    [0, 2],
    [2, 1],
    [0, 2],
    [2, 1],
  ]),
  sequences("the same again, after five others", [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 1],
    [5, 1],
    [0, 1],
    [1, 1],
  ]),
  sequences("a gap", [
    [0, 1],
    [2, 1],
  ]),
  sequences("not from the beginning", [[5, 1]]),
  sequences("half of it again", [
    [0, 4],
    [2, 2],
  ]),
  sequences("a newer epoch", [
    [0, 1],
    [0, 1, 1],
    [1, 1, 1],
    [1, 1, 0],
  ]),
  sequences("a newer epoch that does not begin anew", [
    [0, 1],
    [1, 1, 1],
  ]),
];
