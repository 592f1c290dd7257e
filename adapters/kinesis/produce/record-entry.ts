import { randomBytes } from "node:crypto";
import { isUtf8 } from "node:buffer";
import type { PutRecordsRequestEntry } from "@aws-sdk/client-kinesis";
import type { OutgoingRecord } from "../../../src/driver/index.ts";
import { FrameWriter, partitionKeyOf } from "../../../src/envelope/index.ts";
import { MOST_KEY_CHARACTERS } from "../capabilities.ts";
import { kinesisError } from "../errors.ts";
import type { Envelope } from "../options.ts";

const NOT_BOUNDED = { maxBytes: Infinity, maxMessages: Infinity };
const NO_VALUE = new Uint8Array();

/**
 * One record of the service, which packs these messages of one key.
 * @param hashKey of the shard that the application has chosen
 * @throws `invalid-argument` for a key that a raw record cannot have
 */
export function recordEntry(envelope: Envelope, messages: readonly OutgoingRecord[], hashKey: string | undefined): PutRecordsRequestEntry {
  const { key, value } = messages[0]!;
  const chosen = hashKey === undefined ? {} : { ExplicitHashKey: hashKey };
  if (envelope === "raw") return { Data: value ?? NO_VALUE, PartitionKey: rawPartitionKey(key), ...chosen };
  const partitionKey = key === null ? null : partitionKeyOf(key, isPartitionKey);
  const text = partitionKey === null ? anyPartitionKey() : textOf(partitionKey);
  const writer = new FrameWriter(partitionKey ?? Buffer.from(text), NOT_BOUNDED);
  for (const message of messages) writer.add(message);
  return { Data: writer.finish(), PartitionKey: text, ...chosen };
}

/** So that records without a key go anywhere. */
function anyPartitionKey(): string {
  return randomBytes(8).toString("hex");
}

function rawPartitionKey(key: Uint8Array | null): string {
  if (key === null) return anyPartitionKey();
  if (isPartitionKey(key)) return textOf(key);
  const text = `a key of a raw topic is text of 1 to ${MOST_KEY_CHARACTERS} characters; received one of ${key.length} bytes`;
  throw kinesisError("invalid-argument", text);
}

/** Does the service take it as a partition key? */
function isPartitionKey(key: Uint8Array): boolean {
  if (key.length === 0 || !isUtf8(key)) return false;
  return key.length <= MOST_KEY_CHARACTERS || textOf(key).length <= MOST_KEY_CHARACTERS;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
