import { randomBytes } from "node:crypto";
import type { PutRecordsRequestEntry } from "@aws-sdk/client-kinesis";
import { type OutgoingRecord, bytesToText } from "../../../src/driver/index.ts";
import { FrameWriter, partitionKeyOf } from "../../../src/envelope/index.ts";
import { MOST_KEY_BYTES, MOST_KEY_CHARACTERS } from "../capabilities.ts";
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
  const { key, keyText, value } = messages[0]!;
  let entry: PutRecordsRequestEntry;
  if (envelope === "raw") entry = { Data: value ?? NO_VALUE, PartitionKey: rawPartitionKey(key, keyText) };
  else {
    const partitionKey = key === null ? null : partitionKeyOf(key, isPartitionKey);
    const text = partitionKey === null ? anyPartitionKey() : bytesToText(partitionKey);
    const writer = new FrameWriter(partitionKey ?? Buffer.from(text), NOT_BOUNDED);
    for (const message of messages) writer.add(message);
    entry = { Data: writer.finish(), PartitionKey: text };
  }
  return hashKey === undefined ? entry : { ...entry, ExplicitHashKey: hashKey };
}

/** So that records without a key go anywhere. */
function anyPartitionKey(): string {
  return randomBytes(8).toString("hex");
}

function rawPartitionKey(key: Uint8Array | null, known: string | null | undefined): string {
  if (key === null) return anyPartitionKey();
  const text = partitionKeyText(key, known);
  if (text !== null) return text;
  const what = `a key of a raw topic is text of 1 to ${MOST_KEY_CHARACTERS} characters; received one of ${key.length} bytes`;
  throw kinesisError("invalid-argument", what);
}

function isPartitionKey(key: Uint8Array): boolean {
  return partitionKeyText(key) !== null;
}

/**
 * `null`: the service does not take it as a partition key.
 * @param known a text of the key. One that is not well-formed may stand for bytes that are text nevertheless
 */
function partitionKeyText(key: Uint8Array, known?: string | null): string | null {
  if (key.length === 0 || key.length > MOST_KEY_BYTES) return null;
  const isText = known?.isWellFormed() === true;
  const text = isText ? known : bytesToText(key);
  return text.length <= MOST_KEY_CHARACTERS && (isText || text.isWellFormed()) ? text : null;
}
