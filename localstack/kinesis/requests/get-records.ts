import { hashNumber } from "../streams/hash-key.ts";
import { type ShardIterator, expiredIterator, formatIterator, parseIterator } from "../streams/shard-iterator.ts";
import type { Shard } from "../streams/shard.ts";
import { type StoredRecord, recordJson } from "../streams/stored-record.ts";
import { damagedData } from "../../faults/damaged-data.ts";
import type { Handler, RequestContext, StreamInput } from "./handler.ts";
import { noSuchShard } from "./get-shard-iterator.ts";
import { streamMembers } from "./members.ts";

/** The bounds of one answer, from the documentation of GetRecords. */
const MOST_RECORDS = 10_000;
const MOST_BYTES = 10 * 1_048_576;
/** What an empty answer behind the tip says of the lag, for each empty answer that is still to come. */
const MS_PER_EMPTY_ANSWER = 250;

interface Input extends StreamInput {
  readonly ShardIterator: string;
  readonly Limit?: number | null;
}

export const getRecords: Handler = {
  name: "GetRecords",
  members: {
    StreamARN: streamMembers.StreamARN,
    ShardIterator: { type: "string", required: true, length: [1, 512] },
    Limit: { type: "integer", range: [1, MOST_RECORDS] },
    DryRun: { type: "boolean" },
  },
  handle: ({ ShardIterator: text, Limit }: Input, context) => {
    const { faults, rates, times } = context;
    const iterator = readIterator(text, context);
    const shard = shardOf(iterator, context);
    if (faults.has("expire-iterator")) throw expiredIterator("A fault of the emulator has made it older", times.iteratorLifetimeMs);
    rates.requireRead(shard);
    if (iterator.emptyAnswers > 0) return emptyAnswer(iterator, shard, context);
    const records = page(shard, Math.max(iterator.ordinal, shard.first), Math.min(Limit ?? MOST_RECORDS, times.pageRecords));
    rates.countRead(shard, records);
    return answer(iterator, shard, records, context);
  },
};

/** @throws ServiceError for an iterator that is invalid or has expired */
export function readIterator(text: string, { times, clock }: RequestContext): ShardIterator {
  return parseIterator(text, times.iteratorLifetimeMs, clock.nowMs());
}

function shardOf({ streamName, incarnation, shardId }: ShardIterator, context: RequestContext): Shard {
  const stream = context.streams.find(streamName);
  const shard = stream?.incarnation === incarnation ? stream.shard(shardId) : undefined;
  if (shard === undefined) throw noSuchShard(shardId, streamName, context);
  return shard;
}

function page(shard: Shard, from: number, most: number): readonly StoredRecord[] {
  const records: StoredRecord[] = [];
  let bytes = 0;
  for (let record = shard.at(from); record !== undefined && records.length < most; record = shard.at(from + records.length)) {
    bytes += record.bytes;
    if (bytes > MOST_BYTES && records.length > 0) break;
    records.push(record);
  }
  return records;
}

/** A reader that is behind comes through a part of the shard in which nothing is stored. */
function emptyAnswer(iterator: ShardIterator, shard: Shard, { clock }: RequestContext): string {
  const { emptyAnswers } = iterator;
  const next = formatIterator({ ...iterator, emptyAnswers: emptyAnswers - 1, issuedAtMs: clock.nowMs() });
  return body([], next, emptyAnswers * MS_PER_EMPTY_ANSWER, shard);
}

function answer(iterator: ShardIterator, shard: Shard, records: readonly StoredRecord[], { clock, times }: RequestContext): string {
  const from = Math.max(iterator.ordinal, shard.first);
  const ordinal = from + records.length;
  const texts = records.map((record, index) => jsonOf(shard, from + index, record));
  const isAtEnd = ordinal >= shard.next;
  const isEnd = isAtEnd && (records.length === 0 || !times.endsEmpty);
  if (isEnd && !shard.isOpen) return body(texts, null, 0, shard);
  // Behind the last of the old records comes another part without any.
  const emptyAnswers = isAtEnd && !iterator.isCaughtUp && records.length > 0 ? times.emptyAnswers : 0;
  const isCaughtUp = iterator.isCaughtUp || isAtEnd;
  const next = formatIterator({ ...iterator, ordinal, emptyAnswers, isCaughtUp, issuedAtMs: clock.nowMs() });
  const waiting = shard.at(ordinal);
  const behindMs = waiting === undefined ? emptyAnswers * MS_PER_EMPTY_ANSWER : Math.max(1, clock.nowMs() - waiting.arrivalMs);
  return body(texts, next, behindMs, shard);
}

function jsonOf(shard: Shard, ordinal: number, record: StoredRecord): string {
  return shard.damage.shows(ordinal) ? recordJson(record, damagedData(record.data)) : recordJson(record);
}

/** @param next null: the shard is closed and has been read to its end */
function body(records: readonly string[], next: string | null, behindMs: number, shard: Shard): string {
  const rest =
    next === null
      ? { MillisBehindLatest: behindMs, ChildShards: shard.children.map(childOf) }
      : { NextShardIterator: next, MillisBehindLatest: behindMs };
  return `{"Records":[${records.join(",")}],${JSON.stringify(rest).slice(1)}`;
}

function childOf({ shardId, parentIds, range }: Shard): object {
  const HashKeyRange = { StartingHashKey: String(hashNumber(range.first)), EndingHashKey: String(hashNumber(range.last)) };
  return { ShardId: shardId, ParentShards: parentIds, HashKeyRange };
}
