import type { _Record } from "@aws-sdk/client-kinesis";
import { comparePackedPositions, unpackRecord } from "../../src/envelope/index.ts";
import type { StoredRecord, UnreadableRange } from "../../src/driver/index.ts";
import { kinesisError } from "./errors.ts";
import type { Envelope } from "./options.ts";
import { readAggregate } from "./read/aggregated-record.ts";

/** Decimal numbers of about 56 digits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsResultEntry.html */
const SEQUENCE_NUMBER = /^(?:0|[1-9]\d{0,128})$/;
const NO_BYTES = new Uint8Array();
const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

/** The range of hashes of a shard, both inclusive. */
export interface HashRange {
  readonly firstHash: bigint;
  readonly lastHash: bigint;
}

/** What a record of the service holds. */
export type RecordContent =
  /** Empty where an aggregated record holds only records of other shards. `isUnderOtherKey`: a frame whose keys are not those of the record. */
  | { readonly kind: "messages"; readonly messages: readonly StoredRecord[]; readonly isUnderOtherKey: boolean }
  | { readonly kind: "unreadable"; readonly range: UnreadableRange };

/** @param range of the shard: what the KPL has aggregated for another shard is written there once more */
export function contentOf(native: _Record, envelope: Envelope, { firstHash, lastHash }: HashRange): RecordContent {
  const { Data: data = NO_BYTES, PartitionKey, SequenceNumber: position = "", ApproximateArrivalTimestamp } = native;
  const timestampMs = ApproximateArrivalTimestamp?.getTime() ?? 0;
  const aggregate = readAggregate(data);
  if (aggregate !== null) {
    const messages = aggregate.messagesIn(firstHash, lastHash, (key, value, index, count): StoredRecord => {
      const at = count === 1 ? position : `${position}/${index}`;
      const bytes = (key?.length ?? 0) + value.length;
      return { key, value, headers: NO_HEADERS, position: at, timestampMs, bytes, deliveryAttempt: null, native };
    });
    return { kind: "messages", messages, isUnderOtherKey: false };
  }
  if (envelope === "raw") return { kind: "messages", messages: [new PlainRecord(native)], isUnderOtherKey: false };
  const partitionKey = PartitionKey === undefined ? null : Buffer.from(PartitionKey, "utf8");
  const unpacked = unpackRecord({ partitionKey, data, position, timestampMs, native });
  if (unpacked.kind === "unreadable") return unpacked;
  if (unpacked.kind === "frame") return { kind: "messages", messages: unpacked.records, isUnderOtherKey: false };
  return { kind: "messages", messages: [unpacked.record], isUnderOtherKey: unpacked.reason === "partition-key" };
}

/** A record as it is. */
class PlainRecord implements StoredRecord {
  readonly headers = NO_HEADERS;
  readonly position: string;
  readonly timestampMs: number;
  readonly bytes: number;
  readonly deliveryAttempt = null;
  readonly native: _Record;

  constructor(record: _Record) {
    const { Data, PartitionKey, SequenceNumber = "", ApproximateArrivalTimestamp } = record;
    this.position = SequenceNumber;
    this.timestampMs = ApproximateArrivalTimestamp?.getTime() ?? 0;
    this.bytes = (Data?.length ?? 0) + Buffer.byteLength(PartitionKey ?? "");
    this.native = record;
  }

  get key(): Uint8Array | null {
    const { PartitionKey } = this.native;
    return PartitionKey === undefined ? null : Buffer.from(PartitionKey, "utf8");
  }

  get value(): Uint8Array {
    return this.native.Data ?? NO_BYTES;
  }
}

/** Of records that are neither frames nor aggregates: none of them can be unreadable. */
export function plainRecords(records: readonly _Record[]): readonly StoredRecord[] {
  return records.map((record) => new PlainRecord(record));
}

function requireSequenceNumber(number: string): void {
  if (typeof number === "string" && SEQUENCE_NUMBER.test(number)) return;
  const received = typeof number === "string" ? `a string of ${number.length} characters` : typeof number;
  throw kinesisError("invalid-argument", `a position of Kinesis is a sequence number, a decimal number; received ${received}`);
}

function compareSequenceNumbers(a: string, b: string): number {
  requireSequenceNumber(a);
  requireSequenceNumber(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares two positions of one shard: `<sequence number>` or `<sequence number>/<index>`. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  return comparePackedPositions(a, b, compareSequenceNumbers);
}
