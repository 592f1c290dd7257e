import { setTimeout as delay } from "node:timers/promises";
import type { Delivery, Receiver } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import type { Hub } from "../hubs/hub.ts";
import { type IncomingEvent, incomingEvents } from "../hubs/incoming-event.ts";
import type { PartitionLog } from "../hubs/partition-log.ts";
import type { Namespace } from "../namespace.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { type HubLink, endLink } from "./hub-link.ts";
import { wholeError } from "./rhea-frames.ts";
import { type IdempotentProducer, sequencesOf } from "./idempotent-producer.ts";

export interface PublishLinkParts {
  readonly namespace: Namespace;
  readonly control: ConnectionControl;
  readonly receiver: Receiver;
  readonly hub: Hub;
  /** `null`: the link is attached to the hub, which finds a partition for each call. */
  readonly partition: PartitionLog | null;
  readonly producer: IdempotentProducer | null;
  readonly entity: string;
}

/** A link by which a client sends events. Each transfer is one call, stored as a whole or not at all, in the order of their coming. */
export class PublishLink implements HubLink {
  readonly entity: string;
  readonly claim = "Send";
  readonly #parts: PublishLinkParts;
  /** The calls that a stalled one holds up; `null`: none is stalled. */
  #waiting: (() => void)[] | null = null;
  #hasEnded = false;

  constructor(parts: PublishLinkParts) {
    this.#parts = parts;
    this.entity = parts.entity;
  }

  /** @param format of the transfer: a plain message, or a batch */
  received(delivery: Delivery, payload: Buffer, format: number): void {
    const call = (): void => this.#carryOut(delivery, payload, format);
    if (this.#waiting === null) call();
    else this.#waiting.push(call);
  }

  #carryOut(delivery: Delivery, payload: Buffer, format: number): void {
    if (this.#hasEnded) return;
    try {
      this.#requireSize(delivery, payload);
      const events = incomingEvents(payload, format);
      if (events.length === 0) return delivery.accept();
      const { namespace, hub } = this.#parts;
      hub.requireEnabled();
      const partition = this.#parts.partition ?? hub.partitionFor(events[0]!.partitionKey);
      const faults = namespace.faultsOf("Send", new Map([[hub.name, [partition.id]]]));
      const answer = (): void => this.#answer(delivery, () => this.#store(delivery, events, partition, faults));
      if (faults.delayMs > 0) this.#stall(answer, faults.delayMs);
      else answer();
    } catch (error) {
      refuse(delivery, error);
    }
  }

  #answer(delivery: Delivery, store: () => void): void {
    try {
      if (!this.#hasEnded) store();
    } catch (error) {
      refuse(delivery, error);
    }
  }

  /** @throws AmqpRefusal */
  #requireSize({ id }: Delivery, { length }: Buffer): void {
    const { maxMessageBytes } = this.#parts.namespace;
    if (length <= maxMessageBytes) return;
    const text = `The received message (delivery-id:${id}, size:${length} bytes) exceeds the limit (${maxMessageBytes} bytes) currently allowed on the link.`;
    throw new AmqpRefusal(Condition.messageTooLarge, text);
  }

  #stall(call: () => void, durationMs: number): void {
    const behind: (() => void)[] = [call];
    this.#waiting = behind;
    void delay(durationMs, undefined, { signal: this.#parts.control.signal }).then(
      () => this.#goOn(behind),
      () => undefined,
    );
  }

  #goOn(calls: (() => void)[]): void {
    this.#waiting = null;
    for (let next = calls.shift(); next !== undefined; next = calls.shift()) {
      next();
      // One of them may have stalled the link again: what is behind it waits there.
      if (this.#waiting !== null) return void (this.#waiting as (() => void)[]).push(...calls.splice(0));
    }
  }

  /** @throws AmqpRefusal */
  #store(delivery: Delivery, events: readonly IncomingEvent[], partition: PartitionLog, faults: CallFaults): void {
    const { namespace, control, hub, producer } = this.#parts;
    if (control.ends(faults)) return;
    control.refuseUnauthorized(faults, "Send", this.entity);
    for (const isStored of [false, true]) {
      if (isStored) this.#append(hub, events, partition, producer);
      else {
        if (faults.has("invalid-event")) namespace.invalidEvents.choose(events);
        namespace.invalidEvents.check(events);
      }
      const forced = faults.refusal("detach", isStored);
      if (forced !== null) return this.detach(forced);
      const refusal = faults.refusal("error", isStored);
      if (refusal !== null) throw refusal;
    }
    if (faults.has("lose-answer")) control.disconnect("close");
    else delivery.accept();
  }

  /** @throws AmqpRefusal */
  #append(hub: Hub, events: readonly IncomingEvent[], partition: PartitionLog, producer: IdempotentProducer | null): void {
    if (this.#parts.namespace.find(hub.name) !== hub)
      throw new AmqpRefusal(Condition.notFound, `The messaging entity '${hub.name}' could not be found.`);
    if (producer !== null) {
      const { epoch, numbers } = sequencesOf(events);
      if (hub.producers.isRepeat(producer.state, epoch, numbers)) return;
    }
    const nowMs = Date.now();
    partition.append(events, nowMs);
    hub.applyRetention(nowMs);
  }

  detach(refusal: AmqpRefusal): void {
    this.#hasEnded = true;
    endLink(this.#parts.receiver, refusal);
  }

  ended(): void {
    this.#hasEnded = true;
  }
}

function refuse(delivery: Delivery, error: unknown): void {
  if (!(error instanceof AmqpRefusal)) throw error;
  delivery.reject(wholeError(error.condition, error.message));
}
