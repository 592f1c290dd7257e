import { StoredSlice, eachStored, notStored } from "../../src/adapter-kit/index.ts";
import type {
  CallShape,
  CallSlice,
  Fault,
  Limits,
  ProducerDriver,
  PublishCall,
  SliceResult,
  StreamError,
  TopicIdentity,
} from "../../src/driver/index.ts";
import type { Partition } from "./broker/partition.ts";
import type { Positions } from "./broker/positions.ts";
import { chooseCulprits, invalidCall, loseAnswer, refusalOf } from "./broker/publish-faults.ts";
import { type LaneKind, type Place, laneKindOf, laneOfKey, placeSlice } from "./broker/routing.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { classify, memoryError, topicNotFound, unavailable } from "./errors.ts";
import { asKept, excessOf } from "./records.ts";
import type { Service, ServiceCall } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** The result of a provider whose receipts have no positions. */
const NOTHING_REPORTED: SliceResult = { outcome: "stored", partition: null, timestampMs: null, positionOf: () => null };

/** Publishes to one topic. All messages of one call are stored in one turn of the event loop. */
export class MemoryProducer implements ProducerDriver {
  readonly shape: CallShape;
  readonly limits: Limits;
  readonly #service: Service;
  readonly #topicName: string;
  readonly #keepsAll: boolean;
  readonly #boundsHeaders: boolean;
  #topic: MemoryTopic | undefined;
  #identity: TopicIdentity | undefined;
  #laneKind: LaneKind = "key-group";
  /** How many generations the deleted topics of this name had. */
  #pastGenerations = 0;

  constructor(service: Service, topic: string) {
    const { capabilities, shape } = service.profile;
    this.#service = service;
    this.#topicName = topic;
    this.shape = shape;
    this.limits = capabilities.limits;
    this.#keepsAll = capabilities.binaryKeys && capabilities.exactHeaders && capabilities.producerTimestamps && capabilities.tombstones;
    const { headerCount, headerNameBytes, headerValueBytes } = capabilities.limits;
    this.#boundsHeaders = headerCount !== undefined || headerNameBytes !== undefined || headerValueBytes !== undefined;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const call = { kind: "admin", operation: "metadata", topic: this.#topicName, partitions: null, bytes: 0 } as const;
    await this.#service.enter(call, signal);
    this.#currentTopic();
  }

  get identity(): TopicIdentity {
    return this.#identity ?? this.#notPrepared();
  }

  get laneGeneration(): number {
    return this.#pastGenerations + (this.#laneKind === "partition" ? (this.#topic?.generation ?? 0) : 0);
  }

  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    const topic = this.#topic ?? this.#notPrepared();
    if (toPartition !== undefined) {
      this.#requireOpenPartition(topic, toPartition);
      if (this.#laneKind === "partition") return toPartition;
    }
    return key === null ? (toPartition ?? null) : laneOfKey(this.#laneKind, topic, key);
  }

  #requireOpenPartition(topic: MemoryTopic, partition: string): void {
    if (!this.#service.profile.capabilities.explicitPartition) {
      throw memoryError("unsupported", "this form of the provider cannot send a message to a chosen partition", {
        topic: topic.name,
        capability: "explicitPartition",
      });
    }
    if (topic.open.some(({ id }) => id === partition)) return;
    const open = topic.open.map(({ id }) => JSON.stringify(id)).join(", ");
    throw memoryError(
      "invalid-argument",
      `there is no partition ${JSON.stringify(partition)} to send to; topic ${JSON.stringify(topic.name)} has ${open}`,
      {
        topic: topic.name,
      },
    );
  }

  #notPrepared(): never {
    throw memoryError("internal", "the producer was used before it was prepared", { topic: this.#topicName });
  }

  /** The topic that has this name now. A re-created topic is a different one. @throws `not-found` */
  #currentTopic(): MemoryTopic {
    const topic = topicFor(this.#service, this.#topicName);
    if (topic !== this.#topic) {
      this.#pastGenerations += 1 + (this.#topic?.generation ?? 0);
      this.#topic = topic;
      this.#identity = identityOf(this.#service.broker, topic, this.#service.profile.capabilities);
      this.#laneKind = laneKindOf(this.#service.profile, topic);
    }
    return topic;
  }

  async write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    const service = this.#service;
    const everywhere = (result: SliceResult): SliceResult[] => call.slices.map(() => result);
    const overfilled = this.#overfilled(call);
    if (overfilled !== null) return call.slices.map(({ records }) => refuseEach(records.length, overfilled));
    try {
      if (service.delayMs > 0) await service.takeTime(signal);
      const topic = this.#currentTopic();
      const places = call.slices.map((slice) => placeSlice(this.#laneKind, topic, slice));
      const target = this.#describe(call, places);
      service.reportCall(target);
      const faults = service.broker.faults.take(target);
      if (faults.some(({ kind }) => kind === "disconnect")) {
        return everywhere({ outcome: "unknown", error: unavailable("the connection broke during the call") });
      }
      if (faults.length > 0) await service.applyFaults(faults, target, signal);
      service.broker.requireUp();
      return this.#carryOut(topic, call.slices, places, faults);
    } catch (error) {
      // Nothing was stored, but a client that abandons a real call cannot know that.
      if (signal.aborted) return everywhere({ outcome: "unknown", error: unavailable("the call was abandoned") });
      const known = classify(error);
      return everywhere(notStored(known));
    }
  }

  #describe(call: PublishCall, places: readonly Place[]): ServiceCall {
    const messages = call.slices.reduce((sum, { records }) => sum + records.length, 0);
    const partitions = this.#service.broker.faults.isEmpty ? null : places.flat().map(({ id }) => id);
    return { kind: "publish", operation: "publish", topic: this.#topicName, partitions, bytes: call.bytes, messages };
  }

  #carryOut(topic: MemoryTopic, slices: readonly CallSlice[], places: readonly Place[], faults: readonly Fault[]): SliceResult[] {
    const { broker, profile } = this.#service;
    if (topic.deleted) throw topicNotFound(topic.name);
    chooseCulprits(broker, faults, slices, places);
    const hasFaults = faults.length > 0 || broker.culprits.size > 0;
    if (!profile.namesCulprit) {
      const error = this.#firstTooLarge(slices) ?? invalidCall(broker, slices);
      // With several slices nobody is blamed: the core sends each of them alone.
      if (error !== null) return slices.map(() => ({ outcome: slices.length > 1 ? "retryable" : "refused", error }));
    }
    const nowMs = Date.now();
    const touched = new Set<Partition>();
    const results = slices.map((slice, index): SliceResult => {
      const place = places[index]!;
      const tooLarge = profile.namesCulprit ? this.#tooLarge(slice) : null;
      if (tooLarge !== null) return { outcome: "refused", error: tooLarge };
      const refused = hasFaults ? refusalOf(broker, faults, slice, place) : null;
      if (refused !== null) {
        if (refused.outcome === "retryable" && refused.error.code === "throttled") this.#service.reportThrottle("publish", topic.name);
        return refused;
      }
      const stored = this.#store(topic, slice, place, nowMs, touched);
      return (hasFaults ? loseAnswer(faults, place) : null) ?? stored;
    });
    for (const { log } of touched) {
      log.trim(topic.retention, nowMs);
      log.changed.wake();
    }
    return results;
  }

  /** The error of a slice with a message over a limit. The core finds that message by splitting the slice. */
  #tooLarge({ bytes, records }: CallSlice): StreamError | null {
    if (bytes <= this.limits.messageBytes && !this.#boundsHeaders) return null;
    for (const record of records) {
      const excess = excessOf(record, this.limits);
      if (excess !== null) return memoryError("too-large", excess, { topic: this.#topicName });
    }
    return null;
  }

  #firstTooLarge(slices: readonly CallSlice[]): StreamError | null {
    for (const slice of slices) {
      const error = this.#tooLarge(slice);
      if (error !== null) return error;
    }
    return null;
  }

  /** The error of a call with more in it than the shape allows, which is a defect of the core: nothing of it is tried again. */
  #overfilled({ slices, bytes }: PublishCall): StreamError | null {
    const { maxCallMessages, maxCallRecords = Infinity, maxCallBytes } = this.shape;
    let messages = 0;
    let counted = 0;
    for (const { lane, records } of slices) {
      messages += records.length;
      counted += lane === null ? records.length : 1;
    }
    const error = (received: string, allowed: number): StreamError =>
      memoryError("internal", `a call has ${received}; allowed are ${allowed}`, { topic: this.#topicName });
    if (messages > maxCallMessages) return error(`${messages} messages`, maxCallMessages);
    if (counted > maxCallRecords) return error(`${counted} records`, maxCallRecords);
    return bytes > maxCallBytes && messages > 1 ? error(`${bytes} bytes`, maxCallBytes) : null;
  }

  #store(topic: MemoryTopic, { records }: CallSlice, place: Place, nowMs: number, touched: Set<Partition>): SliceResult {
    const { receiptPositions } = this.#service.profile.capabilities;
    if (!Array.isArray(place)) {
      const partition = topic.openSuccessor(place);
      const firstIndex = partition.log.endIndex;
      touched.add(partition);
      for (const record of records)
        partition.log.append(this.#keepsAll ? record : asKept(record, this.#service.profile.capabilities), nowMs);
      if (!receiptPositions) return NOTHING_REPORTED;
      return new StoredSlice(partition.id, nowMs, { positions: partition.log.positions, firstIndex }, positionAt);
    }
    const results = eachStored(records, (record, index) => {
      const partition = topic.openSuccessor(place[index]!);
      touched.add(partition);
      const position = receiptPositions ? partition.log.positions.nameOf(partition.log.endIndex) : null;
      partition.log.append(this.#keepsAll ? record : asKept(record, this.#service.profile.capabilities), nowMs);
      return { partition: receiptPositions ? partition.id : null, position, timestampMs: receiptPositions ? nowMs : null };
    });
    return { outcome: "each", results };
  }

  /** The producer holds nothing that has to be released. */
  async close(): Promise<void> {}
}

function refuseEach(count: number, error: StreamError): SliceResult {
  return { outcome: "each", results: Array.from({ length: count }, () => ({ outcome: "refused", error })) };
}

function positionAt({ positions, firstIndex }: { readonly positions: Positions; readonly firstIndex: number }, index: number): string {
  return positions.nameOf(firstIndex + index);
}
