import type { DescribeStreamSummaryOutput, ListShardsOutput } from "@aws-sdk/client-kinesis";
import { performance } from "node:perf_hooks";
import { abortable } from "../../../src/adapter-kit/index.ts";
import type { KinesisConnection } from "../client/kinesis-connection.ts";
import { isNamed, kinesisError, streamNotFound } from "../errors.ts";
import { streamOf } from "../stream-name.ts";
import { type Shard, toShard } from "./shard.ts";
import { type StreamSummary, toSummary } from "./stream-summary.ts";

interface Asked {
  readonly atMs: number;
  readonly summary: Promise<StreamSummary>;
}

/** Looks up streams. A driver has one directory. */
export class StreamDirectory {
  readonly #connection: KinesisConnection;
  /** How long an answer counts: an account may describe its streams twenty times a second. */
  readonly #freshMs: number;
  readonly #asked = new Map<string, Asked>();

  constructor(connection: KinesisConnection, freshMs: number) {
    this.#connection = connection;
    this.#freshMs = freshMs;
  }

  /**
   * As the service described it a moment ago. Concurrent calls share one request.
   * @param notBeforeMs an answer to a request from then on, by `performance.now()`; absent: of about the last second
   * @throws `not-found`
   */
  summary(topic: string, signal: AbortSignal, notBeforeMs = performance.now() - this.#freshMs): Promise<StreamSummary> {
    const known = this.#asked.get(topic);
    if (known !== undefined && known.atMs >= notBeforeMs) return abortable(known.summary, signal);
    return this.describe(topic, signal);
  }

  /** Asks the service now. @throws `not-found` */
  describe(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    // Several callers may share the request, so no caller's signal aborts it. It ends by itself, or with the connection.
    const asked: Asked = { atMs: performance.now(), summary: this.#describe(topic) };
    this.#asked.set(topic, asked);
    asked.summary.catch(() => {
      if (this.#asked.get(topic) === asked) this.#asked.delete(topic);
    });
    return abortable(asked.summary, signal);
  }

  /** What was known counts no longer: the stream was changed here. */
  forget(topic: string): void {
    this.#asked.delete(topic);
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
  async shards(topic: string, signal: AbortSignal): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let token: string | undefined;
    do {
      const page: ListShardsOutput = await this.#page(topic, token, signal);
      shards.push(...(page.Shards ?? []).map(toShard));
      token = page.NextToken;
    } while (token !== undefined);
    return shards;
  }

  /** A later page is named by its token alone: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html */
  async #page(topic: string, token: string | undefined, signal: AbortSignal): Promise<ListShardsOutput> {
    try {
      return await this.#connection.kinesis<ListShardsOutput>(
        ({ ListShardsCommand }) => new ListShardsCommand(token === undefined ? streamOf(topic) : { NextToken: token }),
        { operation: "ListShards", topic },
        signal,
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
