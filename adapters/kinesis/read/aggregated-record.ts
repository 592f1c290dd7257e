import { createHash } from "node:crypto";
import { ProtobufFields } from "./protobuf-fields.ts";
import { hashOf } from "./hash-key.ts";

// Records that the Kinesis Producer Library has packed: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
const MAGIC = 0xf3_89_9a_c2;
const MAGIC_BYTES = 4;
const DIGEST_BYTES = 16;

/** Numbers of the fields of `AggregatedRecord` and of its `Record`. */
const KEYS = 1;
const HASH_KEYS = 2;
const RECORDS = 3;
const KEY_INDEX = 1;
const HASH_KEY_INDEX = 2;
const DATA = 3;

interface UserRecord {
  readonly key: Uint8Array;
  /** `null`: that of the key. */
  readonly hash: bigint | null;
  readonly data: Uint8Array;
}

/** What the library has packed into one record. */
export interface Aggregate {
  /**
   * The user records whose hash lies in this range. Where the library's map of the shards was old, it has written the others once more, to their own
   * shards. The index counts all of them, also those that are left out.
   */
  messagesIn<Message>(
    firstHash: bigint,
    lastHash: bigint,
    toMessage: (key: Uint8Array, data: Uint8Array, index: number, count: number) => Message,
  ): readonly Message[];
}

/** Does it begin as one may? */
export function mayBeAggregate(data: Uint8Array | undefined): boolean {
  return data !== undefined && data[0] === MAGIC >>> 24;
}

/** @returns `null` for anything else: without the magic, with another digest, or with a structure that is not right */
export function readAggregate(data: Uint8Array): Aggregate | null {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const end = bytes.length - DIGEST_BYTES;
  if (end < MAGIC_BYTES || bytes.readUInt32BE(0) !== MAGIC) return null;
  const content = bytes.subarray(MAGIC_BYTES, end);
  if (!createHash("md5").update(content).digest().equals(bytes.subarray(end))) return null;
  const records = readRecords(content);
  if (records === null || records.length === 0) return null;
  return {
    messagesIn: (firstHash, lastHash, toMessage) =>
      records.flatMap(({ key, hash, data }, index) => {
        const place = hash ?? hashOf(key);
        return place < firstHash || place > lastHash ? [] : [toMessage(key, data, index, records.length)];
      }),
  };
}

function readRecords(content: Buffer): readonly UserRecord[] | null {
  const keys: Uint8Array[] = [];
  const hashKeys: string[] = [];
  const records: Uint8Array[] = [];
  const fields = new ProtobufFields(content);
  while (fields.next()) {
    const { bytes } = fields;
    if (bytes === null) continue;
    if (fields.number === KEYS) keys.push(bytes);
    if (fields.number === HASH_KEYS) hashKeys.push(Buffer.from(bytes).toString("latin1"));
    if (fields.number === RECORDS) records.push(bytes);
  }
  if (fields.isMalformed) return null;
  const read = records.map((record) => readRecord(record, keys, hashKeys));
  return read.every((record) => record !== null) ? read : null;
}

function readRecord(record: Uint8Array, keys: readonly Uint8Array[], hashKeys: readonly string[]): UserRecord | null {
  let key: Uint8Array | undefined;
  let hashKey: string | undefined;
  let data: Uint8Array | null = null;
  const fields = new ProtobufFields(record);
  while (fields.next()) {
    if (fields.number === KEY_INDEX) key = keys[fields.value];
    if (fields.number === HASH_KEY_INDEX) hashKey = hashKeys[fields.value];
    if (fields.number === DATA) data = fields.bytes;
  }
  if (fields.isMalformed || key === undefined || data === null) return null;
  if (hashKey !== undefined && !/^\d{1,39}$/.test(hashKey)) return null;
  return { key, hash: hashKey === undefined ? null : BigInt(hashKey), data };
}
