import { AmqpRefusal, Condition } from "../amqp-refusal.ts";

/** Who an idempotent producer is, and what it sent last. */
export interface ProducerState {
  readonly id: bigint;
  epoch: number;
  /** Of the last event that was stored. */
  sequenceNumber: number;
}

/** What a link of an idempotent producer proposes; the service fills in what is absent. */
export interface ProposedProducer {
  readonly id: bigint | null;
  readonly epoch: number | null;
  readonly sequenceNumber: number | null;
}

const LARGEST_SEQUENCE_NUMBER = 2 ** 31 - 1;

/** The idempotent producers of a hub, by partition. The service shows them by properties of links and annotations of events. */
export class ProducerSequences {
  readonly #states = new Map<string, ProducerState>();
  #nextId = 1n;

  /** A link attaches. @throws AmqpRefusal if a newer one has attached */
  attach(partition: string, { id, epoch, sequenceNumber }: ProposedProducer): ProducerState {
    const known = id === null ? undefined : this.#states.get(`${partition} ${id}`);
    if (known === undefined) {
      const state = { id: id ?? this.#nextId++, epoch: epoch ?? 0, sequenceNumber: sequenceNumber ?? 0 };
      this.#states.set(`${partition} ${state.id}`, state);
      return state;
    }
    if (epoch !== null && epoch < known.epoch) throw epochStolen(epoch, known.epoch);
    known.epoch = epoch ?? known.epoch + 1;
    if (sequenceNumber !== null) known.sequenceNumber = sequenceNumber;
    return known;
  }

  /**
   * Checks the events of one call, before they are stored.
   * @param numbers the sequence numbers of the events
   * @returns whether they are stored already
   * @throws AmqpRefusal
   */
  isRepeat(state: ProducerState, epoch: number, numbers: readonly number[]): boolean {
    if (epoch < state.epoch) throw epochStolen(epoch, state.epoch);
    const first = numbers[0]!;
    const last = numbers.at(-1)!;
    if (last <= state.sequenceNumber) return true;
    if (first !== after(state.sequenceNumber) || numbers.some((number, index) => number !== first + index)) {
      const text = `The sequence number '${first}' is out of order. The expected sequence number is '${after(state.sequenceNumber)}'.`;
      throw new AmqpRefusal(Condition.outOfOrderSequence, text);
    }
    state.sequenceNumber = last;
    return false;
  }
}

function after(sequenceNumber: number): number {
  return sequenceNumber === LARGEST_SEQUENCE_NUMBER ? 0 : sequenceNumber + 1;
}

function epochStolen(epoch: number, newest: number): AmqpRefusal {
  const text = `The producer's owner level '${epoch}' is lower than '${newest}', with which a newer producer has attached.`;
  return new AmqpRefusal(Condition.producerEpochStolen, text);
}
