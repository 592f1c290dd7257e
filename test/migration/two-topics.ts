import type { TestContext } from "vitest";
import { type MemoryEmulator, type MemoryEmulatorOptions, startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { type Connection, type Message, bytes, connect } from "../../src/index.ts";
import type { VerifyResult } from "../../src/migration/index.ts";
import { provenanceTrail, withoutProvenance } from "../../src/provenance.ts";

export type Form = Exclude<MemoryEmulatorOptions["like"], undefined> | "memory";
export const FORMS: readonly Form[] = ["memory", "kafka", "kinesis", "event-hubs", "pubsub", "oci-streaming"];

export interface MemorySide {
  readonly emulator: MemoryEmulator;
  readonly connection: Connection;
  readonly topic: string;
}

type Finishing = Pick<TestContext, "onTestFinished">;

/** A topic of memory in the form of another provider, with a connection. */
export async function memorySide({ onTestFinished }: Finishing, form: Form, topic: string, partitions: number): Promise<MemorySide> {
  const emulator = await startMemoryEmulator({
    like: form === "memory" ? undefined : form,
    topics: { [topic]: form === "pubsub" ? {} : { partitions } },
  });
  onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 500 }));
  return { emulator, connection, topic };
}

/** Values are `key:number`, numbered for each key from 0, and without a key for all of them together. */
export async function produce(
  { connection, topic }: Pick<MemorySide, "connection" | "topic">,
  keys: readonly (string | null)[],
  each: number,
  from = 0,
): Promise<void> {
  const producer = connection.topic(topic, { codec: bytes() }).producer();
  for (let number = from; number < from + each; number += 1) {
    await producer.sendBatch(keys.map((key) => ({ key, value: Buffer.from(`${key}:${number}`), headers: { number: String(number) } })));
  }
  await producer.close();
}

/** All messages of a topic, with tombstones where it has them. */
export async function messagesOf({
  connection,
  topic,
}: Pick<MemorySide, "connection" | "topic">): Promise<readonly Message<Uint8Array | null>[]> {
  const messages: Message<Uint8Array | null>[] = [];
  const { tombstones } = connection.capabilities;
  const reader = connection.topic<Uint8Array, Uint8Array, boolean>(topic, { codec: bytes(), tombstones }).reader({ until: "now" });
  for await (const message of reader) messages.push(message);
  return messages;
}

/** What `verify` says of a target that has all of so many messages. */
export function equalResult(messages: number): VerifyResult {
  return {
    equal: true,
    sourceMessages: messages,
    targetMessages: messages,
    missing: 0,
    extra: 0,
    changed: 0,
    duplicates: 0,
    outOfOrder: 0,
    firstDifference: null,
  };
}

export function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `key-${index}`);
}

/** By key, the values in stored order, as text. */
export function valuesByKey(messages: readonly Message<Uint8Array | null>[]): Readonly<Record<string, readonly string[]>> {
  const values: Record<string, string[]> = {};
  for (const { key, value } of messages) (values[String(key)] ??= []).push(value === null ? "tombstone" : Buffer.from(value).toString());
  return values;
}

/** What a message has besides what its copy has added. */
export function contentOf({ raw }: Message<Uint8Array | null>): object {
  const { key, value, headers } = raw;
  const text = (some: Uint8Array | null): string | null => (some === null ? null : Buffer.from(some).toString("latin1"));
  return {
    key: text(key),
    value: text(value),
    headers: withoutProvenance(headers, provenanceTrail(headers)).map(([name, one]) => [name, text(one)]),
  };
}
