import type { EntryError } from "../faults/request-faults.ts";
import { invalidArgument } from "../service-error.ts";
import { hashOf, parseHashKey } from "../streams/hash-key.ts";
import type { Shard } from "../streams/shard.ts";
import { decodedLength } from "../streams/stored-record.ts";
import type { Stream } from "../streams/stream.ts";
import { type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import type { Members } from "./members.ts";
import { LARGEST_RECORD_KIB } from "./stream-settings.ts";

/** A record as PutRecord and PutRecords take it. */
export interface PutEntry {
  readonly Data: string;
  readonly PartitionKey?: string | null;
  readonly ExplicitHashKey?: string | null;
}

export interface StoredEntry {
  readonly ShardId: string;
  readonly SequenceNumber: string;
}

/** Of a record, and of a request with all its records. */
const LARGEST_BYTES = LARGEST_RECORD_KIB * 1_024;

export const entryMembers = {
  Data: { type: "blob", required: true, length: [-2, LARGEST_BYTES] },
  PartitionKey: { type: "string", length: [1, 256] },
  ExplicitHashKey: { type: "string", pattern: /^(0|([1-9]\d{0,38}))$/ },
} as const satisfies Members;

/** A stream that is CREATING cannot be written to; one that is DELETING still can. @throws ServiceError */
export function writableStream(input: StreamInput, context: RequestContext): Stream {
  const stream = streamOf(input, context);
  if (stream.status === "CREATING") throw context.streams.notFound(stream.name);
  stream.applyRetention();
  return stream;
}

/**
 * Stores each record by itself, or refuses it.
 * @returns one result for each record, in their order
 * @throws ServiceError if the request is invalid; then nothing is stored
 */
export function storeRecords(stream: Stream, entries: readonly PutEntry[], context: RequestContext): readonly (StoredEntry | EntryError)[] {
  const { clock, faults, invalidRecords, rates } = context;
  const bytes = entries.map((entry, index) => checkEntry(stream, entry, `records.${index + 1}.member`));
  const total = bytes.reduce((sum, each) => sum + each, 0);
  if (total > LARGEST_BYTES) throw invalidArgument(`Records size exceeds ${LARGEST_BYTES / 1_048_576} MB limit`);
  const shards = entries.map((entry) => shardOfEntry(stream, entry));
  const invalid = invalidRecords.check(stream.name, entries, faults.invalidEntry(shards));
  const nowMs = clock.nowMs();
  return entries.map(({ Data, PartitionKey }, index) => {
    const shard = shards[index]!;
    const refused = invalid.get(index) ?? faults.refusedEntry(shard) ?? rates.refusedEntry(shard, bytes[index]!);
    if (refused !== null) return refused;
    const { sequenceNumber } = shard.append(PartitionKey ?? "", Data, bytes[index]!, nowMs);
    return faults.failedEntry(shard) ?? { SequenceNumber: sequenceNumber, ShardId: shard.shardId };
  });
}

/** @returns the bytes that count: data and partition key. @throws ServiceError */
function checkEntry(stream: Stream, { Data, PartitionKey, ExplicitHashKey }: PutEntry, path: string): number {
  if (stream.distribution !== "AUTO" && typeof PartitionKey !== "string") throw invalidArgument(`PartitionKey must be given at '${path}'.`);
  if (typeof ExplicitHashKey === "string" && parseHashKey(ExplicitHashKey) === null) {
    const range = "ExplicitHashKey must be in the range: [0, 2^128-1]";
    throw invalidArgument(`Invalid ExplicitHashKey. ${range}. Specified value was ${ExplicitHashKey}`);
  }
  const bytes = decodedLength(Data) + Buffer.byteLength(PartitionKey ?? "");
  const largest = stream.maxRecordKiB * 1_024;
  if (bytes <= largest) return bytes;
  throw invalidArgument(
    `The record at '${path}' has ${bytes} bytes with its partition key, and the largest record of this stream ${largest}.`,
  );
}

export function shardOfEntry(stream: Stream, { PartitionKey, ExplicitHashKey }: PutEntry): Shard {
  if (stream.distribution === "AUTO") return stream.anyShard();
  const explicit = typeof ExplicitHashKey === "string" ? parseHashKey(ExplicitHashKey) : null;
  return stream.shardOf(explicit ?? hashOf(PartitionKey ?? ""));
}
