import {
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  PutRecordsCommand,
  type ShardIteratorType,
} from "@aws-sdk/client-kinesis";

/** One stream, by the calls of the SDK. */
export class StreamCalls {
  readonly #kinesis: KinesisClient;
  readonly name: string;

  constructor(kinesis: KinesisClient, name: string) {
    this.#kinesis = kinesis;
    this.name = name;
  }

  /** @param texts by partition key. @returns the results, in the same order */
  async put(...texts: readonly (readonly [key: string, text: string])[]) {
    const Records = texts.map(([PartitionKey, text]) => ({ PartitionKey, Data: Buffer.from(text) }));
    return this.#kinesis.send(new PutRecordsCommand({ StreamName: this.name, Records }));
  }

  async shards(input: Partial<ListShardsCommandInput> = {}) {
    const { Shards = [] } = await this.#kinesis.send(new ListShardsCommand({ StreamName: this.name, ...input }));
    return Shards;
  }

  async shardIds(input: Partial<ListShardsCommandInput> = {}): Promise<readonly number[]> {
    return (await this.shards(input)).map(({ ShardId }) => Number(ShardId!.slice("shardId-".length)));
  }

  async iterator(shard: number | string, type: ShardIteratorType, more: { StartingSequenceNumber?: string; Timestamp?: Date } = {}) {
    const ShardId = typeof shard === "number" ? `shardId-${String(shard).padStart(12, "0")}` : shard;
    const input = { StreamName: this.name, ShardId, ShardIteratorType: type, ...more };
    return (await this.#kinesis.send(new GetShardIteratorCommand(input))).ShardIterator!;
  }

  async get(ShardIterator: string, Limit?: number): Promise<GetRecordsCommandOutput> {
    return this.#kinesis.send(new GetRecordsCommand({ ShardIterator, Limit }));
  }

  async texts(shard: number | string, type: ShardIteratorType, more: { StartingSequenceNumber?: string; Timestamp?: Date } = {}) {
    return textsOf(await this.get(await this.iterator(shard, type, more)));
  }
}

export function textsOf({ Records = [] }: GetRecordsCommandOutput): readonly string[] {
  return Records.map(({ Data }) => Buffer.from(Data!).toString());
}
