import { clearImmediate, setImmediate } from "node:timers";
import { setTimeout as delay } from "node:timers/promises";
import type { Sender } from "rhea";
import { AmqpRefusal } from "../amqp-refusal.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import { firstSequenceNumber } from "../hubs/event-position.ts";
import type { Hub } from "../hubs/hub.ts";
import type { PartitionLog } from "../hubs/partition-log.ts";
import type { PartitionReaders, Reader } from "../hubs/partition-readers.ts";
import { withDeliveryAnnotations } from "../hubs/stored-event.ts";
import type { Namespace } from "../namespace.ts";
import { amqp } from "../wire/amqp-writer.ts";
import { Section } from "../wire/message-sections.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { type HubLink, endLink } from "./hub-link.ts";
import { LinkOutbox } from "./link-outbox.ts";
import { NEVER_MS } from "./property-requests.ts";

export interface ReadLinkParts {
  readonly namespace: Namespace;
  readonly control: ConnectionControl;
  readonly sender: Sender;
  readonly hub: Hub;
  readonly partition: PartitionLog;
  readonly readers: PartitionReaders;
  readonly entity: string;
  readonly name: string;
  readonly epoch: bigint | null;
  /** Where it begins; `null`: at the oldest event. */
  readonly selector: string | null;
  /** How much longer it takes until the first events come. */
  readonly stallMs: number;
  /** Whether each event tells where its partition ends. */
  readonly hasMetrics: boolean;
}

/** So many events are handed over in one turn, so that other links get theirs. */
const PORTION = 500;

/** A link by which a client reads a partition. Events are pushed as far as the client has given credit. */
export class ReadLink implements HubLink, Reader {
  readonly entity: string;
  readonly claim = "Listen";
  readonly name: string;
  readonly epoch: bigint | null;
  readonly #parts: ReadLinkParts;
  readonly #outbox: LinkOutbox;
  readonly #forgetPartition: () => void;
  #next: number;
  #turn: NodeJS.Immediate | undefined;
  #isStalled = false;
  #hasEnded = false;

  /** @throws AmqpRefusal where the position is refused, or other readers stand in its way */
  constructor(parts: ReadLinkParts) {
    const { hub, partition, readers, selector } = parts;
    this.#parts = parts;
    this.entity = parts.entity;
    this.name = parts.name;
    this.epoch = parts.epoch;
    this.#next = firstSequenceNumber(partition, selector, hub.hasGeoReplication);
    this.#outbox = new LinkOutbox(parts.sender);
    readers.add(this);
    this.#forgetPartition = partition.onAppended(() => this.#later());
    if (parts.stallMs > 0) this.#stall(parts.stallMs);
  }

  /** The client has given credit: it asks for events, whether there are any or not. */
  credited(): void {
    this.#outbox.onFlow();
    if (this.#hasEnded || this.#isStalled) return;
    if (this.#isIdle) this.#meet(() => undefined);
    else this.#later();
  }

  get #isIdle(): boolean {
    return this.#parts.partition.next <= this.#next;
  }

  /** The client wants back what is left of its credit. */
  drain(): void {
    if (this.#isIdle) this.#outbox.drain();
    else this.#later();
  }

  /** Something has happened that may make room. */
  wake(): void {
    if (!this.#isIdle) this.#later();
  }

  #later(): void {
    if (this.#turn !== undefined || this.#hasEnded || this.#isStalled) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#push();
    });
  }

  #push(): void {
    const { partition, control, hub } = this.#parts;
    if (this.#outbox.room === 0 || this.#isIdle || !control.isWritable()) return;
    hub.applyRetention(Date.now());
    const events = partition.read(this.#next, Math.min(PORTION, this.#outbox.room));
    if (events.length === 0) return void (this.#next = partition.next);
    this.#meet(() => {
      const annotations = this.#parts.hasMetrics ? endOf(partition) : null;
      for (const event of events) {
        const message = partition.messageOf(event);
        this.#outbox.send(annotations === null ? message : withDeliveryAnnotations(message, event, annotations));
      }
      this.#next = events.at(-1)!.sequenceNumber + 1;
      this.wake();
    });
  }

  /** One call: the client's wish for events, or a portion of them. */
  #meet(deliver: () => void): void {
    const { namespace, control, hub, partition } = this.#parts;
    const faults = namespace.faultsOf("Receive", new Map([[hub.name, [partition.id]]]), true);
    if (this.#hasEnded || control.ends(faults) || this.#isRefused(faults)) return;
    if (faults.delayMs > 0) this.#stall(faults.delayMs);
    else deliver();
  }

  #isRefused(faults: CallFaults): boolean {
    try {
      this.#parts.control.refuseUnauthorized(faults, this.claim, this.entity);
      faults.refuseLink();
      return false;
    } catch (error) {
      if (!(error instanceof AmqpRefusal)) throw error;
      this.detach(error);
      return true;
    }
  }

  #stall(durationMs: number): void {
    this.#isStalled = true;
    void delay(durationMs, undefined, { signal: this.#parts.control.signal }).then(
      () => this.#goOn(),
      () => undefined,
    );
  }

  #goOn(): void {
    this.#isStalled = false;
    this.wake();
  }

  detach(refusal: AmqpRefusal): void {
    if (this.#hasEnded) return;
    this.ended();
    endLink(this.#parts.sender, refusal);
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#forgetPartition();
    this.#parts.readers.remove(this);
  }
}

/** https://learn.microsoft.com/dotnet/api/azure.messaging.eventhubs.consumer.lasteventenqueuedproperties, by the names in the SDKs */
function endOf({ end }: PartitionLog): Buffer {
  const entries = [
    amqp.symbol("last_enqueued_sequence_number"),
    amqp.long(end.sequenceNumber),
    amqp.symbol("last_enqueued_offset"),
    amqp.string(end.offset),
    amqp.symbol("last_enqueued_time_utc"),
    amqp.timestamp(end.enqueuedMs ?? NEVER_MS),
    amqp.symbol("runtime_info_retrieval_time_utc"),
    amqp.timestamp(Date.now()),
  ];
  return amqp.described(Section.deliveryAnnotations, amqp.map(entries));
}
