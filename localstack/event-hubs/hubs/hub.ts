import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import { partitionOfKey } from "./partition-key-hash.ts";
import { type OffsetOf, PartitionLog } from "./partition-log.ts";
import { PartitionReaders } from "./partition-readers.ts";
import { ProducerSequences } from "./producer-sequences.ts";

export interface HubSettings {
  readonly partitions: number;
  readonly groups: readonly string[];
  readonly retentionMs: number;
  readonly hasGeoReplication: boolean;
}

/** The consumer group that every hub has. */
const DEFAULT_GROUP = "$Default";

/** One event hub. Names of hubs and groups are the same in upper and lower case. */
export class Hub {
  readonly name: string;
  readonly createdMs: number;
  readonly hasGeoReplication: boolean;
  readonly partitions: PartitionLog[] = [];
  readonly producers = new ProducerSequences();
  #isDisabled = false;
  readonly #groups: ReadonlyMap<string, string>;
  readonly #readers = new Map<string, PartitionReaders>();
  readonly #retentionMs: number;
  #turn = 0;

  constructor(name: string, settings: HubSettings, nowMs: number) {
    this.name = name;
    this.createdMs = nowMs;
    this.hasGeoReplication = settings.hasGeoReplication;
    this.#retentionMs = settings.retentionMs;
    this.#groups = new Map([DEFAULT_GROUP, ...settings.groups].map((group) => [group.toLowerCase(), group]));
    this.addPartitions(settings.partitions);
  }

  /** Existing partitions keep what they have; keys may move. */
  addPartitions(count: number): void {
    const offsetOf: OffsetOf = this.hasGeoReplication ? (bytes) => `1:${bytes}` : String;
    for (let added = 0; added < count; added += 1) this.partitions.push(new PartitionLog(String(this.partitions.length), () => offsetOf));
  }

  /** A disabled hub refuses every link and every call, and ends the links of its readers. */
  setDisabled(isDisabled: boolean): void {
    this.#isDisabled = isDisabled;
    if (isDisabled) for (const { readers } of this.readers) readers.detachAll(entityDisabled(this.name));
  }

  /** @throws AmqpRefusal */
  requireEnabled(): void {
    if (this.#isDisabled) throw entityDisabled(this.name);
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name.toLowerCase());
  }

  /** @throws AmqpRefusal */
  partition(id: string): PartitionLog {
    const partition = this.partitions.find((candidate) => candidate.id === id);
    if (partition !== undefined) return partition;
    const range = `It should be between 0 and ${this.partitions.length - 1}.`;
    const text = `The specified partition is invalid for an EventHub partition sender or receiver. ${range}`;
    throw new AmqpRefusal(Condition.argumentOutOfRange, text);
  }

  /** Where a call without a partition goes: by the hash of its key, else to all partitions in turn. */
  partitionFor(key: string | null): PartitionLog {
    const count = this.partitions.length;
    if (key !== null) return this.partitions[partitionOfKey(key, count)]!;
    this.#turn = (this.#turn + 1) % count;
    return this.partitions[this.#turn]!;
  }

  /** The links that read a partition for a group. */
  readersOf(group: string, partition: string): PartitionReaders {
    const name = `${group.toLowerCase()} ${partition}`;
    const readers = this.#readers.get(name) ?? new PartitionReaders();
    this.#readers.set(name, readers);
    return readers;
  }

  /** All links that read. The names of groups are in lower case. */
  get readers(): readonly { readonly group: string; readonly partition: string; readonly readers: PartitionReaders }[] {
    return [...this.#readers].map(([name, readers]) => {
      const [group = "", partition = ""] = name.split(" ");
      return { group, partition, readers };
    });
  }

  /** Nothing runs on its own: retention is applied when somebody looks. */
  applyRetention(nowMs: number): void {
    for (const partition of this.partitions) partition.removeUntil(nowMs - this.#retentionMs);
  }
}

function entityDisabled(name: string): AmqpRefusal {
  return new AmqpRefusal(Condition.entityDisabled, `Messaging entity '${name}' is currently disabled.`);
}
