import { performance } from "node:perf_hooks";
import type { StreamError, TopicIdentity } from "../../../src/driver/index.ts";
import { DEFAULT_RECORD_BYTES } from "../capabilities.ts";
import { KINESIS_ERRORS, classify, kinesisError } from "../errors.ts";
import type { KinesisService } from "../service.ts";
import { streamNameOf } from "../stream-name.ts";
import type { Shard } from "../streams/shard.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";

/** How often a producer looks whether its stream still keeps keys together. */
const LOOK_AGAIN_MS = 30_000;

/** What a producer knows of its stream. */
export class ProducerStream {
  readonly #service: KinesisService;
  readonly #topic: string;
  readonly #lookAgainMs: number;
  readonly #life = new AbortController();
  #summary: StreamSummary | null = null;
  /** `null`: they may not be listed. */
  #shards: readonly Shard[] | null = null;
  #lookedMs = -Infinity;

  constructor(service: KinesisService, topic: string, lookAgainMs = LOOK_AGAIN_MS) {
    this.#service = service;
    this.#topic = topic;
    this.#lookAgainMs = lookAgainMs;
  }

  /** @throws `not-found` · `conflict` for a stream that ignores keys · `unavailable` while it is created */
  async prepare(signal: AbortSignal): Promise<void> {
    this.#lookedMs = performance.now();
    [this.#summary, this.#shards] = await Promise.all([
      this.#unlessDenied(() => this.#service.directory.usable(this.#topic, signal), "DescribeStreamSummary"),
      this.#unlessDenied(() => this.#service.directory.recentShards(this.#topic, signal), "ListShards"),
    ]);
    const refusal = this.#ignoredKeys();
    if (refusal !== null) throw refusal;
  }

  /** A producer may have the permission to write, and no other. */
  async #unlessDenied<Answer>(ask: () => Promise<Answer>, operation: string): Promise<Answer | null> {
    try {
      return await ask();
    } catch (error) {
      if (classify(error).code !== "permission-denied") throw error;
      const { report } = this.#service;
      const text = `${operation} is not permitted: whether the stream ignores partition keys (AUTO), and what its records may have, is not known`;
      if (report.wants("warning")) report({ kind: "warning", topic: this.#topic, text });
      return null;
    }
  }

  get identity(): TopicIdentity {
    return this.#summary?.identity ?? { cluster: "", topic: streamNameOf(this.#topic), incarnation: "" };
  }

  /** Positions without the identity of the stream would fit no reader. */
  get hasPositions(): boolean {
    return this.#summary !== null;
  }

  get recordBytes(): number {
    return this.#summary?.recordBytes ?? DEFAULT_RECORD_BYTES;
  }

  get isOnDemand(): boolean {
    return this.#summary?.isOnDemand ?? false;
  }

  get knowsShards(): boolean {
    return this.#shards !== null || this.#summary === null;
  }

  /** One that is not known may be younger than the list: `hashKeyOf` decides. @throws `invalid-argument` for a name that no shard can have */
  requireShard(partition: string): void {
    if (this.#shards === null || this.#find(partition) !== undefined || /^shardId-\d{12}$/.test(partition)) return;
    throw this.#noSuchShard(partition);
  }

  /** Where the range of the shard begins; of a closed one the shard goes on that has taken over the range. @throws `invalid-argument` */
  async hashKeyOf(partition: string, signal: AbortSignal): Promise<string> {
    let shard = this.#find(partition);
    if (shard === undefined) {
      this.#shards = await this.#service.directory.shards(this.#topic, signal);
      shard = this.#find(partition);
    }
    if (shard === undefined) throw this.#noSuchShard(partition);
    return String(shard.firstHash);
  }

  #find(wanted: string): Shard | undefined {
    return this.#shards?.find(({ partition }) => partition === wanted);
  }

  #noSuchShard(partition: string): StreamError {
    return KINESIS_ERRORS.noSuchPartition(
      this.#topic,
      partition,
      (this.#shards ?? []).map((shard) => shard.partition),
    );
  }

  /** Why nothing may be written now; `null`: nothing is known against it. The stream is described again now and then, beside the writing. */
  async refusal(signal: AbortSignal): Promise<StreamError | null> {
    if (this.#summary !== null && performance.now() - this.#lookedMs >= this.#lookAgainMs) {
      this.#lookedMs = performance.now();
      void this.#lookAgain();
    }
    const refusal = this.#ignoredKeys();
    if (refusal === null) return null;
    // It is asked once more, because the strategy of a stream can be changed back.
    await this.#lookAgain(signal);
    return this.#ignoredKeys();
  }

  /** What fails here shows in the next request as well. */
  async #lookAgain(signal = this.#life.signal): Promise<void> {
    this.#summary = await this.#service.directory.summary(this.#topic, signal).catch(() => this.#summary);
  }

  #ignoredKeys(): StreamError | null {
    if (this.#summary?.ignoresKeys !== true) return null;
    const text =
      "the stream ignores partition keys (RecordDistributionStrategy AUTO), so that no key keeps its order; set it to USER_PARTITION_KEY";
    return kinesisError("conflict", text, { topic: this.#topic });
  }

  close(): void {
    this.#life.abort();
  }
}
