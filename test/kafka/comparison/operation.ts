import { setTimeout as delay } from "node:timers/promises";
import { Kafka, type KafkaConfig, logLevel } from "kafkajs";
import { createTopicsApi } from "../../../localstack/kafka/broker/requests/create-topics.ts";
import { listOffsetsApi } from "../../../localstack/kafka/broker/requests/list-offsets.ts";
import { HungUp, RawClient } from "./raw-client.ts";

const LATEST = -1;

/** The server for an operation. Each operation has its own names, so that operations can run at the same time. */
export class Target {
  readonly bootstrapServers: string;
  #count = 0;
  readonly #prefix = `x${crypto.randomUUID().slice(0, 8)}-`;

  constructor(bootstrapServers: string) {
    this.bootstrapServers = bootstrapServers;
  }

  /** 1, 2, 3… */
  count(): number {
    this.#count += 1;
    return this.#count;
  }

  /** The name of a topic, a group or a transactional id. */
  name(name: string): string {
    return `${this.#prefix}${name}`;
  }

  raw(): Promise<RawClient> {
    return RawClient.open(this.bootstrapServers);
  }

  kafkajs(config: Partial<KafkaConfig> = {}): Kafka {
    return new Kafka({
      brokers: [this.bootstrapServers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 3, initialRetryTime: 50 },
      ...config,
    });
  }

  /** @returns its name */
  async topic(name: string, partitions = 1, settings: Readonly<Record<string, string>> = {}): Promise<string> {
    await using client = await this.raw();
    const configs = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
    const topic = { name: this.name(name), numPartitions: partitions, replicationFactor: -1, assignments: [], configs };
    const { topics } = await client.call(createTopicsApi, 5, { topics: [topic], timeoutMs: 5_000, validateOnly: false });
    if (topics[0]?.errorCode !== 0) throw new Error(`could not create ${name}: ${topics[0]?.errorCode}`);
    await untilServed(client, topic.name, partitions);
    return topic.name;
  }

  /** The form for the record: without the names of this run. */
  plain(outcome: unknown): unknown {
    const text = JSON.stringify(outcome, (_, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      if (value instanceof Map) return Object.fromEntries(value);
      return isBufferJson(value) ? Buffer.from(value.data).toString("latin1") : value;
    });
    return text === undefined ? null : (JSON.parse(text.replaceAll(this.#prefix, "")) as unknown);
  }
}

/** A server answers the creation of a topic before its brokers have it. */
async function untilServed(client: RawClient, name: string, partitions: number): Promise<void> {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
  for (;;) {
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: asked }], timeoutMs: 5_000 };
    const { topics } = await client.call(listOffsetsApi, 5, request);
    if (topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)) return;
    await delay(5);
  }
}

function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}

/** An operation of a client, and its outcome, as far as it must be the same on all servers. */
export interface Operation {
  readonly name: string;
  readonly run: (target: Target) => Promise<unknown>;
}

export function operation(name: string, run: Operation["run"]): Operation {
  return { name, run };
}

/** The outcome, which can be an error. */
export async function outcomeOf(call: Promise<unknown> | (() => Promise<unknown>)): Promise<unknown> {
  try {
    return await (typeof call === "function" ? call() : call);
  } catch (error) {
    if (error instanceof HungUp) return "hung up";
    if (!(error instanceof Error)) throw error;
    return { error: "type" in error && typeof error.type === "string" ? error.type : error.name };
  }
}
