import { randomBytes } from "node:crypto";
import { clearInterval, setInterval } from "node:timers";
import { BrokerProperties } from "./broker-properties.ts";
import { FaultPlan } from "../../faults/fault-plan.ts";
import { type FaultVariant, KAFKA_FAULTS } from "./faults/fault-effect.ts";
import { InvalidRecords } from "./faults/invalid-records.ts";
import { Groups } from "./groups/groups.ts";
import { clean } from "./log/cleaner.ts";
import { applyRetention } from "./log/retention.ts";
import { NO_LEADER, type Partition } from "./topics/partition.ts";
import type { Topic } from "./topics/topic.ts";
import { Topics } from "./topics/topics.ts";
import { Transactions } from "./transactions/transactions.ts";

/** One broker of the cluster, as clients see it. */
export interface BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  port: number;
  isUp: boolean;
}

export interface ClusterOptions {
  readonly brokers: number;
  readonly properties: Readonly<Record<string, string>>;
  /** Passwords by user name; `null`: clients need not authenticate. */
  readonly users: ReadonlyMap<string, string> | null;
  /** The variant in which the first fault of each kind shows. */
  readonly firstFaultTurn: number;
  /** The address at which clients reach the broker. */
  readonly advertisedHost: string;
}

/** The state of the cluster. All brokers share it, so a record that one has stored is stored for all. */
export class Cluster {
  readonly clusterId = randomBytes(16).toString("base64url");
  readonly properties: BrokerProperties;
  readonly users: ReadonlyMap<string, string> | null;
  readonly nodes: readonly BrokerNode[];
  readonly topics: Topics;
  readonly groups: Groups;
  readonly transactions: Transactions;
  readonly faults: FaultPlan<readonly FaultVariant[]>;
  readonly invalidRecords = new InvalidRecords();
  /** How often the coordinator of a group or transaction has moved. */
  readonly #moves = new Map<string, number>();
  readonly #maintenance: NodeJS.Timeout;

  constructor({ brokers, properties, users, firstFaultTurn, advertisedHost }: ClusterOptions) {
    this.faults = new FaultPlan(KAFKA_FAULTS, firstFaultTurn);
    this.properties = new BrokerProperties({ "default.replication.factor": String(brokers), ...properties });
    this.users = users;
    this.nodes = Array.from({ length: brokers }, (_, index) => ({ nodeId: index + 1, host: advertisedHost, port: 0, isUp: false }));
    this.topics = new Topics(
      this.nodes.map(({ nodeId }) => nodeId),
      {
        partitions: this.properties.number("num.partitions"),
        replicationFactor: this.properties.number("default.replication.factor"),
        settings: this.properties.ofTopics,
      },
    );
    this.groups = new Groups(this.properties);
    this.transactions = new Transactions(this.topics, this.groups, this.properties.number("transaction.max.timeout.ms"));
    this.#maintenance = setInterval(() => this.#runMaintenance(), this.properties.number("log.retention.check.interval.ms"));
    // This timer does not keep the process alive when the cluster is not closed. Its listeners do that.
    this.#maintenance.unref();
  }

  get upNodes(): readonly BrokerNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  node(nodeId: number): BrokerNode | undefined {
    return this.nodes.find((node) => node.nodeId === nodeId);
  }

  isUp(nodeId: number): boolean {
    return this.node(nodeId)?.isUp === true;
  }

  /** The replicas whose broker is up. None of them lags, because all share one log. */
  inSyncReplicas({ replicas }: Partition): readonly number[] {
    return replicas.filter((nodeId) => this.isUp(nodeId));
  }

  /** A partition keeps its leader as long as that broker is up. Then the first of its replicas that is up becomes its leader. */
  electLeaders(): void {
    for (const topic of this.topics.all) {
      for (const partition of topic.partitions) {
        if (partition.leaderId === NO_LEADER || !this.isUp(partition.leaderId)) {
          partition.lead(this.inSyncReplicas(partition)[0] ?? NO_LEADER);
        }
      }
    }
  }

  /** Makes the next replica the leader of the partition. @returns whether the partition has another replica that is up */
  moveLeader(partition: Partition): boolean {
    const candidates = this.inSyncReplicas(partition);
    const next = candidates[(candidates.indexOf(partition.leaderId) + 1) % candidates.length];
    if (next === undefined || next === partition.leaderId) return false;
    partition.lead(next);
    return true;
  }

  /** The broker that coordinates a group or a transactional id. */
  coordinatorOf(key: string): BrokerNode | undefined {
    const up = this.upNodes;
    return up[(hashOf(key) + (this.#moves.get(key) ?? 0)) % Math.max(1, up.length)];
  }

  moveCoordinator(key: string): void {
    this.#moves.set(key, (this.#moves.get(key) ?? 0) + 1);
  }

  deleteTopic(topic: Topic): void {
    this.topics.delete(topic);
    this.groups.topicDeleted(topic.name);
  }

  #runMaintenance(): void {
    const nowMs = Date.now();
    for (const { config, partitions } of this.topics.all) {
      for (const { log } of partitions) {
        if (config.isCompacted) clean(log, config, nowMs);
        if (config.isDeleted) applyRetention(log, config, nowMs);
      }
    }
  }

  close(): void {
    clearInterval(this.#maintenance);
    this.groups.forgetMembers();
    this.transactions.close();
  }
}

function hashOf(key: string): number {
  let hash = 0;
  for (const character of key) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  return hash;
}
