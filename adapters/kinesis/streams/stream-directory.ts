import type { DescribeStreamSummaryOutput, ListShardsOutput } from "@aws-sdk/client-kinesis";
import { SharedAnswers } from "../../../src/adapter-kit/index.ts";
import type { KinesisConnection } from "../client/kinesis-connection.ts";
import { isNamed, kinesisError, streamNotFound } from "../errors.ts";
import { streamOf } from "../stream-name.ts";
import { type Shard, toShard } from "./shard.ts";
import { type StreamSummary, toSummary } from "./stream-summary.ts";

/** Looks up streams. A driver has one directory. */
export class StreamDirectory {
  readonly #connection: KinesisConnection;
  readonly #known: SharedAnswers<StreamSummary>;
  readonly #listed: SharedAnswers<readonly Shard[]>;

  /** @param freshMs how long an answer counts: an account may describe its streams twenty times a second */
  constructor(connection: KinesisConnection, freshMs: number) {
    this.#connection = connection;
    this.#known = new SharedAnswers(freshMs, (topic) => this.#describe(topic));
    this.#listed = new SharedAnswers(freshMs, (topic) => this.#list(topic));
  }

  /**
   * As the service described it a moment ago. Concurrent calls share one request.
   * @param notBeforeMs an answer to a request from then on, by `performance.now()`; absent: of about the last second
   * @throws `not-found`
   */
  summary(topic: string, signal: AbortSignal, notBeforeMs?: number): Promise<StreamSummary> {
    return this.#known.recent(topic, signal, notBeforeMs);
  }

  /** Asks the service now. @throws `not-found` */
  describe(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    return this.#known.now(topic, signal);
  }

  /** What was known counts no longer: the stream was changed here. */
  forget(topic: string): void {
    this.#known.forget(topic);
    this.#listed.forget(topic);
  }

  async #describe(topic: string): Promise<StreamSummary> {
    try {
      const output = await this.#connection.kinesis<DescribeStreamSummaryOutput>(
        ({ DescribeStreamSummaryCommand }) => new DescribeStreamSummaryCommand(streamOf(topic)),
        { operation: "DescribeStreamSummary", topic },
        this.#connection.closing,
      );
      return toSummary(output.StreamDescriptionSummary!);
    } catch (error) {
      if (isNamed(error, "ResourceNotFoundException")) throw streamNotFound(topic, error);
      throw error;
    }
  }

  /** All shards that the service still keeps, closed ones too, as it lists them now. @throws `not-found` · `unavailable` while the stream is created */
  shards(topic: string, signal: AbortSignal): Promise<readonly Shard[]> {
    return this.#listed.now(topic, signal);
  }

  /** The same as of a moment ago: for what has just been decided by such a list. */
  recentShards(topic: string, signal: AbortSignal): Promise<readonly Shard[]> {
    return this.#listed.recent(topic, signal);
  }

  async #list(topic: string): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let token: string | undefined;
    do {
      const page: ListShardsOutput = await this.#page(topic, token);
      shards.push(...(page.Shards ?? []).map(toShard));
      token = page.NextToken;
    } while (token !== undefined);
    return shards;
  }

  /** A later page is named by its token alone: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html */
  async #page(topic: string, token: string | undefined): Promise<ListShardsOutput> {
    try {
      return await this.#connection.kinesis<ListShardsOutput>(
        ({ ListShardsCommand }) => new ListShardsCommand(token === undefined ? streamOf(topic) : { NextToken: token }),
        { operation: "ListShards", topic },
        this.#connection.closing,
      );
    } catch (error) {
      if (isNamed(error, "ResourceNotFoundException")) throw streamNotFound(topic, error);
      if (isNamed(error, "ResourceInUseException")) {
        throw kinesisError("unavailable", "the stream is being created or deleted", { topic, cause: error });
      }
      throw error;
    }
  }

  /** The stream, once it can be used. @throws `not-found` · `unavailable` while it is created */
  async usable(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    const summary = await this.summary(topic, signal);
    if (summary.status === "ACTIVE" || summary.status === "UPDATING") return summary;
    this.forget(topic);
    if (summary.status === "DELETING") throw streamNotFound(topic);
    throw kinesisError("unavailable", "the stream is being created", { topic });
  }
}
