import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { PutRecordsCommand, SplitShardCommand } from "@aws-sdk/client-kinesis";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../localstack/kinesis/emulated-kinesis.ts";
import { clientsOf } from "../../unit/localstack/kinesis/clients.ts";
import type { KclSettings } from "./kcl-worker.ts";

const STREAM = "orders";
const KEYS = Array.from({ length: 16 }, (_, key) => `key-${key}`);

/** One record that was stored. */
interface Sent {
  readonly text: string;
  readonly shard: string;
  readonly sequenceNumber: string;
}

/** A stream on an emulated Kinesis, and the table of an application on it, as the SDK sees them. */
export class OrdersStream implements AsyncDisposable {
  readonly emulator: EmulatedKinesis;
  readonly #clients: ReturnType<typeof clientsOf>;
  #sent = 0;

  private constructor(emulator: EmulatedKinesis) {
    this.emulator = emulator;
    this.#clients = clientsOf(emulator);
  }

  static async start(partitions: number): Promise<OrdersStream> {
    return new OrdersStream(await startEmulatedKinesis({ topics: { [STREAM]: { partitions } } }));
  }

  settingsOf(application: string): Pick<KclSettings, "endpoint" | "stream" | "application"> {
    return { endpoint: this.emulator.endpoint, stream: STREAM, application };
  }

  /** Stores one record of each key. */
  async publish(): Promise<readonly Sent[]> {
    const texts = KEYS.map((key, index) => `${key} ${this.#sent + index}`);
    this.#sent += texts.length;
    const Records = texts.map((text, index) => ({ PartitionKey: KEYS[index]!, Data: Buffer.from(text) }));
    const { Records: stored = [] } = await this.#clients.kinesis.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
    return texts.map((text, index) => ({ text, shard: stored[index]!.ShardId!, sequenceNumber: stored[index]!.SequenceNumber! }));
  }

  /** Splits a shard whose range of hashes begins at 0 in its middle. */
  async split(shard: string, middle: bigint): Promise<void> {
    await this.#clients.kinesis.send(
      new SplitShardCommand({ StreamName: STREAM, ShardToSplit: shard, NewStartingHashKey: String(middle) }),
    );
  }

  /** The checkpoint of each shard that has a row in the application's table. */
  async checkpoints(application: string): Promise<ReadonlyMap<string, string>> {
    const { Items = [] } = await this.#clients.dynamo.send(new ScanCommand({ TableName: application, ConsistentRead: true }));
    return new Map(Items.map(({ leaseKey, checkpoint }) => [leaseKey!.S!, checkpoint!.S!]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients[Symbol.dispose]();
    await this.emulator.close();
  }
}
