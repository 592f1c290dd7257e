import type { GetRecordsOutput, GetShardIteratorInput, GetShardIteratorOutput } from "@aws-sdk/client-kinesis";
import { isNamed } from "../errors.ts";
import type { KinesisService } from "../service.ts";
import { streamOf } from "../stream-name.ts";

/** Where an iterator begins: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html */
export type IteratorStart =
  | { readonly type: "TRIM_HORIZON" | "LATEST" }
  | { readonly type: "AT_TIMESTAMP"; readonly timestampMs: number }
  | { readonly type: "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER"; readonly sequenceNumber: string };

/** The two requests by which a shard is read. Each is sent once. */
export class ShardReads {
  readonly #service: KinesisService;
  readonly #topic: string;
  readonly #partition: string;

  constructor(service: KinesisService, topic: string, partition: string) {
    this.#service = service;
    this.#topic = topic;
    this.#partition = partition;
  }

  /** A time in the future is the end of the shard: the service refuses it. */
  async iterator(start: IteratorStart, signal: AbortSignal): Promise<string> {
    try {
      return await this.#iterator(start, signal);
    } catch (error) {
      if (start.type !== "AT_TIMESTAMP" || !isNamed(error, "InvalidArgumentException")) throw error;
      return await this.#iterator({ type: "LATEST" }, signal);
    }
  }

  async #iterator(start: IteratorStart, signal: AbortSignal): Promise<string> {
    const input: GetShardIteratorInput = { ...streamOf(this.#topic), ShardId: this.#partition, ShardIteratorType: start.type };
    if (start.type === "AT_TIMESTAMP") input.Timestamp = new Date(start.timestampMs);
    if ("sequenceNumber" in start) input.StartingSequenceNumber = start.sequenceNumber;
    const { ShardIterator } = await this.#service.connection.kinesis<GetShardIteratorOutput>(
      ({ GetShardIteratorCommand }) => new GetShardIteratorCommand(input),
      { operation: "GetShardIterator", topic: this.#topic },
      signal,
    );
    return ShardIterator ?? "";
  }

  records(iterator: string, limit: number, signal: AbortSignal): Promise<GetRecordsOutput> {
    const arn = streamOf(this.#topic);
    const input = { ShardIterator: iterator, Limit: limit, ...("StreamARN" in arn ? arn : {}) };
    return this.#service.connection.kinesis<GetRecordsOutput>(
      ({ GetRecordsCommand }) => new GetRecordsCommand(input),
      { operation: "GetRecords", topic: this.#topic },
      signal,
    );
  }
}
