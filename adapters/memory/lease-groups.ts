import { randomUUID } from "node:crypto";
import { type ConsumerDriver, type ConsumerSettings, type PartitionPlace, type StartPoint, isStreamError } from "../../src/driver/index.ts";
import {
  type LeaseAdmin,
  type LeaseGroupParts,
  type LeaseProgress,
  leaseAdmin,
  leaseConsumer,
  systemClock,
} from "../../src/leases/index.ts";
import type { Partition } from "./broker/partition.ts";
import { type PartitionLag, partitionLag } from "./broker/partition-lag.ts";
import { resolvePlace } from "./broker/places.ts";
import { StoredAhead } from "./broker/stored-ahead.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { classify, groupNotFound } from "./errors.ts";
import type { GroupState, Groups } from "./groups.ts";
import { ServedLeaseStore } from "./served-lease-store.ts";
import type { Service } from "./service.ts";
import { MemorySource } from "./source.ts";

/** The times of members, in milliseconds: a store in this process answers at once. */
const WATCH_MS = 50;
const RENEW_MS = 250;
const DESCRIBE_MS = 250;

/** The groups of a form whose service has none: their members share the partitions by leases, which are kept with the broker. */
export class LeaseGroups implements Groups {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  #parts(topic: string, group: string): LeaseGroupParts {
    const service = this.#service;
    const { report } = service.retrySettings(topic);
    const { store } = service.broker.leases(topic, group, service.profile.aheadBytes);
    return {
      store: new ServedLeaseStore(service, topic, store),
      source: new MemorySource(service, topic, "kept"),
      clock: systemClock,
      report,
      classify,
      watchMs: WATCH_MS,
      renewMs: RENEW_MS,
      describeMs: DESCRIBE_MS,
      leastSessionMs: service.profile.leastSessionMs,
      newId: randomUUID,
    };
  }

  #admin(topic: MemoryTopic, group: string): LeaseAdmin {
    return leaseAdmin(this.#parts(topic.name, group));
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return leaseConsumer(this.#parts(topic, settings.nativeGroup ?? settings.group), settings);
  }

  async names(topic: MemoryTopic, signal: AbortSignal): Promise<readonly string[]> {
    const known = this.#service.broker.leaseGroups(topic.name);
    const places = await Promise.all(known.map((group) => this.#admin(topic, group).places(signal).catch(emptyOfFormer)));
    return known.filter((_, index) => places[index] !== null);
  }

  async describe(topic: MemoryTopic, name: string, signal: AbortSignal): Promise<GroupState> {
    const description = await this.#admin(topic, name).describe(signal);
    if (description === null) throw groupNotFound(topic.name, name);
    return description;
  }

  async plan(topic: MemoryTopic, name: string, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#admin(topic, name).plan(to, signal);
  }

  async reset(topic: MemoryTopic, name: string, to: StartPoint, signal: AbortSignal): Promise<void> {
    await this.#admin(topic, name).reset(to, signal);
  }

  async remove(topic: MemoryTopic, name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#admin(topic, name).remove(signal);
    } catch (error) {
      throw isStreamError(error, "not-found") ? groupNotFound(topic.name, name) : error;
    }
  }

  async lag(topic: MemoryTopic, name: string, initialPosition: StartPoint | null, signal: AbortSignal): Promise<readonly PartitionLag[]> {
    const progress = (await this.#admin(topic, name).progress(signal)) ?? (await this.#beginning(topic, name, initialPosition, signal));
    const nowMs = Date.now();
    topic.trim(nowMs);
    return [...topic.partitions.values()].map((partition) => lagBehind(topic, partition, progress.get(partition.id), nowMs));
  }

  async #beginning(
    topic: MemoryTopic,
    name: string,
    initialPosition: StartPoint | null,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, LeaseProgress>> {
    if (initialPosition === null) throw groupNotFound(topic.name, name);
    const places = await this.#admin(topic, name).plan(initialPosition, signal);
    return new Map([...places].map(([partition, place]) => [partition, { place, ahead: null }]));
  }
}

/** A partition that the group does not know yet it begins at its beginning. */
function lagBehind(topic: MemoryTopic, partition: Partition, progress: LeaseProgress | undefined, nowMs: number): PartitionLag {
  const { place, ahead } = progress ?? { place: { kind: "earliest" }, ahead: null };
  if (place.kind === "ended") return partitionLag(partition, "ended", null, nowMs);
  const { index } = resolvePlace(topic.name, partition, place);
  const kept = ahead === null ? null : StoredAhead.of(ahead, index, partition.log);
  return partitionLag(partition, index, kept === "malformed" ? null : kept, nowMs);
}

/** A group of a former topic of the name has no place in this one. It is there until it is reset or deleted. */
function emptyOfFormer(error: unknown): ReadonlyMap<string, PartitionPlace> {
  if (isStreamError(error, "position-mismatch")) return new Map();
  throw error;
}
