import { AmqpRefusal, Condition } from "../amqp-refusal.ts";

/** A link that reads a partition for a consumer group. */
export interface Reader {
  readonly name: string;
  /** `null`: without one. */
  readonly epoch: bigint | null;
  /** Ends the link with this error. */
  detach(refusal: AmqpRefusal): void;
}

/** https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas: non-epoch receivers per consumer group and partition */
const MOST_WITHOUT_EPOCH = 5;

/**
 * Who may read a partition for a group: one reader with an epoch, which ends all others of a lower one, or several without
 * (https://learn.microsoft.com/azure/event-hubs/event-processor-balance-partition-load and the guide of receivers).
 */
export class PartitionReaders {
  readonly #readers = new Set<Reader>();

  /** @throws AmqpRefusal if others stand in its way */
  add(reader: Reader): void {
    const exclusive = this.exclusive;
    if (reader.epoch === null) this.#requireRoom(reader, exclusive);
    else if (exclusive !== null && exclusive.epoch! > reader.epoch) throw lowerEpoch(reader, exclusive);
    else this.#disconnectFor(reader.name, reader.epoch);
    this.#readers.add(reader);
  }

  /** The reader with an epoch. */
  get exclusive(): Reader | null {
    for (const reader of this.#readers) if (reader.epoch !== null) return reader;
    return null;
  }

  remove(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** As if another receiver attached with the next epoch, and went away again. @returns whether there was one to end */
  steal(): boolean {
    const exclusive = this.exclusive;
    if (exclusive === null) return false;
    this.#disconnectFor("another-receiver", exclusive.epoch! + 1n);
    return true;
  }

  detachAll(refusal: AmqpRefusal): void {
    for (const reader of [...this.#readers]) reader.detach(refusal);
    this.#readers.clear();
  }

  #requireRoom({ name }: Reader, exclusive: Reader | null): void {
    if (exclusive !== null) {
      const text = `Receiver '${exclusive.name}' with a higher epoch of '${exclusive.epoch}' already exists. Receiver '${name}' without an epoch cannot be created.`;
      throw new AmqpRefusal(Condition.linkStolen, text);
    }
    if (this.#readers.size < MOST_WITHOUT_EPOCH) return;
    const names = [...this.#readers].map((reader) => reader.name).join(", ");
    const text = `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${MOST_WITHOUT_EPOCH}. List of connected receivers - ${names}.`;
    throw new AmqpRefusal(Condition.resourceLimit, text);
  }

  #disconnectFor(name: string, epoch: bigint): void {
    for (const reader of [...this.#readers]) {
      this.#readers.delete(reader);
      const text =
        `New receiver '${name}' with higher epoch of '${epoch}' is created hence current receiver '${reader.name}' with epoch '${reader.epoch ?? "none"}' ` +
        "is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used.";
      reader.detach(new AmqpRefusal(Condition.linkStolen, text));
    }
  }
}

function lowerEpoch(reader: Reader, exclusive: Reader): AmqpRefusal {
  const text =
    `Receiver '${exclusive.name}' with a higher epoch '${exclusive.epoch}' already exists. Receiver '${reader.name}' with epoch ${reader.epoch} cannot be created. ` +
    "Make sure you are creating receiver with increasing epoch value to ensure connectivity, or ensure all old epoch receivers are closed or disconnected.";
  return new AmqpRefusal(Condition.linkStolen, text);
}
