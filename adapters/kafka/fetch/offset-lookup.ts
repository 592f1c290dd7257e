import type { Place } from "../../../src/driver/index.ts";
import {
  EARLIEST,
  type KafkaClient,
  KafkaUnsupportedError,
  LATEST,
  type ListedEpochEnd,
  type ListedOffset,
} from "../client/kafka-client.ts";
import { kafkaError, partitionError } from "../errors.ts";
import { toOffset } from "../records.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { findDamagedTime, isDamageCode, isTimeMissed } from "./damaged-time.ts";
import type { EpochEnd } from "./read-epochs.ts";

/** The first offset that exists, and the last stable offset. After that there are no records, or an open transaction. */
export interface LogBounds {
  readonly first: bigint;
  readonly end: bigint;
  /** The epoch of the present leader, or `UNKNOWN_EPOCH`. */
  readonly leaderEpoch: number;
}

/** Looks up offsets of several partitions, with one request for each leader. */
export class OffsetLookup {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async bounds(topic: TopicSnapshot, partitions: readonly number[], signal: AbortSignal): Promise<Map<number, LogBounds>> {
    const all = (timestamp: bigint) => new Map(partitions.map((partition) => [partition, timestamp]));
    const [first, end] = await Promise.all([this.#listed(topic, all(EARLIEST), signal), this.#listed(topic, all(LATEST), signal)]);
    return new Map(
      partitions.map((partition) => {
        const { offset, leaderEpoch } = end.get(partition)!;
        return [partition, { first: first.get(partition)!.offset, end: offset, leaderEpoch }];
      }),
    );
  }

  /**
   * The offset of the first record at or after a time, by partition; -1 if there is none. A time can be `EARLIEST` or `LATEST`. Makes
   * one attempt: before a retry, the caller looks up the topic again, as its leaders may have moved.
   * @param readCommitted `false`: the end includes records of open transactions
   */
  async list(
    topic: TopicSnapshot,
    timestamps: ReadonlyMap<number, bigint>,
    signal: AbortSignal,
    readCommitted = true,
  ): Promise<Map<number, bigint>> {
    const listed = await this.#listed(topic, timestamps, signal, readCommitted);
    return new Map([...listed].map(([partition, { offset }]) => [partition, offset]));
  }

  async #listed(
    topic: TopicSnapshot,
    timestamps: ReadonlyMap<number, bigint>,
    signal: AbortSignal,
    readCommitted = true,
  ): Promise<Map<number, ListedOffset>> {
    const answers = await this.#ask(topic, timestamps, signal, readCommitted);
    return new Map(
      answers.map((listed) => {
        const { partition, errorCode } = listed;
        if (errorCode === 0) return [partition, listed];
        throw partitionError(errorCode, "ListOffsets", topic.topic, partition);
      }),
    );
  }

  async #ask(
    topic: TopicSnapshot,
    timestamps: ReadonlyMap<number, bigint>,
    signal: AbortSignal,
    readCommitted: boolean,
  ): Promise<readonly ListedOffset[]> {
    return askLeaders(topic, timestamps, (leader, wanted) => {
      const partitions = wanted.map(([partition, timestamp]) => ({ partition, timestamp }));
      return this.#client.listOffsets(leader, { topic: topic.topic, readCommitted, partitions }, signal);
    });
  }

  /**
   * The ends of epochs in the present log, by partition. Where the log does not have the epoch, the newest epoch before it. Makes one
   * attempt. A partition is absent if the server does not know.
   */
  async epochEnds(topic: TopicSnapshot, epochs: ReadonlyMap<number, number>, signal: AbortSignal): Promise<Map<number, EpochEnd>> {
    const answers = await askLeaders(topic, epochs, async (leader, wanted): Promise<readonly ListedEpochEnd[]> => {
      const partitions = wanted.map(([partition, leaderEpoch]) => ({ partition, leaderEpoch }));
      try {
        return await this.#client.epochEnds(leader, { topic: topic.topic, partitions }, signal);
      } catch (error) {
        if (error instanceof KafkaUnsupportedError) return [];
        throw error;
      }
    });
    const failed = answers.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw partitionError(failed.errorCode, "OffsetForLeaderEpoch", topic.topic, failed.partition);
    return new Map(answers.filter(({ endOffset }) => endOffset >= 0n).map((end) => [end.partition, end]));
  }

  /** If a server could not find a time because of a damaged batch, this finds it from the headers of the batches. */
  async #offsetsOfTimes(
    topic: TopicSnapshot,
    times: ReadonlyMap<number, bigint>,
    answers: readonly ListedOffset[],
    bounds: ReadonlyMap<number, LogBounds>,
    signal: AbortSignal,
  ): Promise<Map<number, bigint>> {
    const found = answers.map(async ({ partition, errorCode, offset }): Promise<[number, bigint]> => {
      if (errorCode === 0 && offset >= 0n) return [partition, offset];
      const time = times.get(partition)!;
      const isFailure = errorCode !== 0;
      if (isFailure && (!isDamageCode(errorCode) || time < 0n)) throw partitionError(errorCode, "ListOffsets", topic.topic, partition);
      const search = { partition, time, ...bounds.get(partition)! };
      if (!isFailure && !(await isTimeMissed(this.#client, topic, search, signal))) return [partition, offset];
      const find = async (earlier: bigint): Promise<bigint | null> => {
        const [earlierAnswer] = await this.#ask(topic, new Map([[partition, earlier]]), signal, true);
        return earlierAnswer?.errorCode === 0 && earlierAnswer.offset >= 0n ? earlierAnswer.offset : null;
      };
      return [partition, await findDamagedTime(this.#client, topic, search, find, signal)];
    });
    return new Map(await Promise.all(found));
  }

  /**
   * The offsets of places. A time after the last record means the end. A position need not be that of a record.
   * @throws `position-out-of-range` for a position after the end · `invalid-argument` for a malformed one
   */
  async resolve(topic: TopicSnapshot, places: ReadonlyMap<number, Place>, signal: AbortSignal): Promise<Map<number, bigint>> {
    const times = [...places].flatMap(([partition, place]) =>
      place.kind === "timestamp" ? [[partition, timeToAsk(place.timestampMs)] as const] : [],
    );
    // Malformed places are refused before any request.
    if ([...places.values()].some(({ kind }) => kind === "mark")) {
      throw kafkaError("invalid-argument", "Kafka keeps no marks: this bookmark was not made on Kafka", { topic: topic.topic });
    }
    const positions = new Map(
      [...places].flatMap(([partition, place]) =>
        place.kind === "at" || place.kind === "after"
          ? [[partition, toOffset(place.position) + (place.kind === "after" ? 1n : 0n)] as const]
          : [],
      ),
    );
    const asked = new Map(times);
    const [bounds, answers] = await Promise.all([
      this.bounds(topic, [...places.keys()], signal),
      asked.size === 0 ? [] : this.#ask(topic, asked, signal, true),
    ]);
    const atTimes = await this.#offsetsOfTimes(topic, asked, answers, bounds, signal);
    return new Map(
      [...places].map(([partition, { kind }]) => {
        const { first, end } = bounds.get(partition)!;
        if (kind === "earliest") return [partition, first];
        if (kind === "latest") return [partition, end];
        if (kind === "timestamp") return [partition, stableOffset(atTimes.get(partition)!, end)];
        return [partition, requireWithinLog(positions.get(partition)!, end, topic.topic, partition)];
      }),
    );
  }
}

/** Sends one request to each leader. */
async function askLeaders<Wanted, Answer>(
  topic: TopicSnapshot,
  wanted: ReadonlyMap<number, Wanted>,
  ask: (leader: number, wanted: readonly (readonly [number, Wanted])[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const byLeader = Map.groupBy(wanted, ([partition]) => topic.leaderOf(partition));
  const answers = await Promise.all(
    [...byLeader].map(([leader, ofLeader]) => {
      if (leader < 0) throw kafkaError("unavailable", "a partition has no leader at present", { topic: topic.topic });
      return ask(leader, ofLeader);
    }),
  );
  return answers.flat();
}

/** In a request, negative times have other meanings. Records with negative times are found from the beginning. */
function timeToAsk(timestampMs: number): bigint {
  return timestampMs < 0 ? EARLIEST : BigInt(Math.ceil(timestampMs));
}

/** -1, and an offset in an open transaction after the last stable offset, become the end. */
function stableOffset(offset: bigint, end: bigint): bigint {
  return offset < 0n || offset > end ? end : offset;
}

function requireWithinLog(offset: bigint, end: bigint, topic: string, partition: number): bigint {
  if (offset <= end) return offset;
  throw kafkaError("position-out-of-range", `position ${offset} lies after the end of partition "${partition}", which is ${end}`, {
    topic,
    partition: String(partition),
  });
}
