import type { Fault } from "../../src/driver/index.ts";
import { FaultPlan } from "../faults/fault-plan.ts";
import { AmqpRefusal, Condition } from "./amqp-refusal.ts";
import type { AccessPolicy } from "./auth/access-policies.ts";
import type { BlobAccount } from "./blobs/blob-account.ts";
import { CheckpointBlobs } from "./blobs/checkpoint-blobs.ts";
import { CallFaults } from "./faults/call-faults.ts";
import { type CallName, EVENT_HUBS_FAULTS, type FaultVariants } from "./faults/event-hubs-faults.ts";
import { InvalidEvents } from "./faults/invalid-events.ts";
import type { Hub } from "./hubs/hub.ts";

export interface NamespaceSettings {
  readonly policies: ReadonlyMap<string, AccessPolicy>;
  readonly maxMessageBytes: number;
  readonly firstFaultTurn: number;
  readonly blobs: BlobAccount;
}

/** What calls are about: the partitions by hub; `null`: the hub as a whole. */
export type CallTopics = ReadonlyMap<string, readonly string[] | null>;

/** The hubs of a namespace, who may use them, and what is planned to go wrong. All connections share it. */
export class Namespace {
  readonly maxMessageBytes: number;
  readonly faults: FaultPlan<FaultVariants>;
  readonly invalidEvents = new InvalidEvents();
  readonly blobs: BlobAccount;
  readonly checkpoints: CheckpointBlobs;
  readonly #policies: Map<string, AccessPolicy>;
  readonly #hubs = new Map<string, Hub>();

  constructor({ policies, maxMessageBytes, firstFaultTurn, blobs }: NamespaceSettings) {
    this.#policies = new Map(policies);
    this.maxMessageBytes = maxMessageBytes;
    this.blobs = blobs;
    this.checkpoints = new CheckpointBlobs(blobs);
    const applyAtOnce = (fault: Fault): boolean => this.#applyAtOnce(fault);
    this.faults = new FaultPlan({ ...EVENT_HUBS_FAULTS, applyAtOnce }, firstFaultTurn);
  }

  get policies(): ReadonlyMap<string, AccessPolicy> {
    return this.#policies;
  }

  /** @returns whether there is such a policy */
  replaceKey(name: string, key: string): boolean {
    const policy = this.#policies.get(name);
    if (policy === undefined) return false;
    this.#policies.set(name, { ...policy, key });
    return true;
  }

  get hubs(): readonly Hub[] {
    return [...this.#hubs.values()];
  }

  /** Names are the same in upper and lower case. */
  find(name: string): Hub | undefined {
    return this.#hubs.get(name.toLowerCase());
  }

  add(hub: Hub): void {
    this.#hubs.set(hub.name.toLowerCase(), hub);
  }

  /** Ends the links of its readers. What its groups have stored stays: it is not in the hub. */
  remove(hub: Hub): void {
    this.#hubs.delete(hub.name.toLowerCase());
    for (const { readers } of hub.readers) readers.detachAll(entityNotFound(hub.name));
  }

  /** @throws AmqpRefusal */
  hub(name: string): Hub {
    const hub = this.find(name);
    if (hub === undefined) throw entityNotFound(name);
    hub.requireEnabled();
    hub.applyRetention(Date.now());
    return hub;
  }

  /** Counts a call, and carries out what happens to members of groups because of it. */
  faultsOf(name: CallName, topics: CallTopics, hasGroup = false): CallFaults {
    if (this.faults.isEmpty) return NO_FAULTS;
    const faults = new CallFaults(this.faults.take({ name, topics, hasGroup }));
    const [called] = topics.keys();
    for (const { topic = called, partition } of faults.all("steal")) this.steal(topic, partition ?? onlyOf(topics));
    for (const { topic = called } of faults.all("release-all")) this.releaseAll(topic);
    return faults;
  }

  /**
   * Takes one partition from its owner: its ownership, and the link that reads it with an epoch, as far as there are such.
   * @returns whether any had one
   */
  steal(topic: string | undefined, partition: string | undefined): boolean {
    const stolen = this.checkpoints.steal(topic, partition, Date.now());
    if (stolen === null) return this.#endExclusive(topic, (id) => id === (partition ?? id));
    this.#endExclusive(stolen.hub, (id, group) => id === stolen.partition && group === stolen.group);
    return true;
  }

  /** Ends the first reader with an epoch that fits. */
  #endExclusive(topic: string | undefined, fits: (partition: string, group: string) => boolean): boolean {
    const hubs = this.hubs.filter(({ name }) => topic === undefined || topic.toLowerCase() === name.toLowerCase());
    return hubs.some((hub) => hub.readers.some(({ partition, group, readers }) => fits(partition, group) && readers.steal()));
  }

  /** @returns whether any partition had an owner */
  releaseAll(topic: string | undefined): boolean {
    return this.checkpoints.releaseAll(topic, Date.now());
  }

  #applyAtOnce({ kind, topic, partition }: Fault): boolean {
    if (kind === "steal-partition") return this.steal(topic, partition);
    if (kind === "lose-coordinator") return this.releaseAll(topic);
    return false;
  }
}

const NO_FAULTS = new CallFaults([]);

export function entityNotFound(entity: string): AmqpRefusal {
  // The client recognises it by this text.
  return new AmqpRefusal(Condition.notFound, `The messaging entity '${entity}' could not be found.`);
}

/** The partition of a call that is about one. */
function onlyOf(topics: CallTopics): string | undefined {
  const all = [...topics.values()].flatMap((partitions) => partitions ?? []);
  return all.length === 1 ? all[0] : undefined;
}
