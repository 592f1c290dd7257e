import { ErrorCode, Refusal } from "../error-code.ts";
import type { RecordBatch } from "./record-batch.ts";

/** How many batches of a producer are recognised as duplicates. */
const REMEMBERED_BATCHES = 5;
const SEQUENCES = 2 ** 31;
const NO_EPOCH = -1;

interface WrittenBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: bigint;
  readonly maxTimestampMs: number;
}

interface ProducerState {
  readonly epoch: number;
  /** The newest last. Empty after a marker in a new epoch. */
  readonly batches: readonly WrittenBatch[];
}

/** The state of the idempotent producers that write to one partition. */
export class ProducerStates {
  readonly #states = new Map<bigint, ProducerState>();

  /**
   * @returns the stored batch that this one duplicates; `null` if it is new
   * @throws `Refusal` if it is out of sequence, or of a former epoch
   */
  check(batch: RecordBatch): { readonly baseOffset: bigint; readonly maxTimestampMs: number } | null {
    const { producerId, producerEpoch, baseSequence } = batch;
    const state = this.#states.get(producerId);
    if (state === undefined) return null;
    const last = lastSequenceOf(batch);
    const isSame = (written: WrittenBatch): boolean => written.firstSequence === baseSequence && written.lastSequence === last;
    const duplicate = state.epoch === producerEpoch ? state.batches.find(isSame) : undefined;
    if (duplicate !== undefined) return duplicate;
    if (producerEpoch < state.epoch) {
      throw new Refusal(ErrorCode.invalidProducerEpoch, `the producer has epoch ${producerEpoch}, and ${state.epoch} is known`);
    }
    // The last batch had no epoch, so no sequence is expected.
    if (state.epoch === NO_EPOCH && producerEpoch !== NO_EPOCH) return null;
    const before = state.batches.at(-1);
    const isNext =
      producerEpoch === state.epoch && before !== undefined ? baseSequence === (before.lastSequence + 1) % SEQUENCES : baseSequence === 0;
    // After a marker the sequence of this epoch is unknown.
    if (isNext || (before === undefined && producerEpoch === state.epoch)) return null;
    throw new Refusal(ErrorCode.outOfOrderSequenceNumber, `sequence ${baseSequence} does not follow ${before?.lastSequence ?? "none"}`);
  }

  epochOf(producerId: bigint): number | null {
    return this.#states.get(producerId)?.epoch ?? null;
  }

  wrote(batch: RecordBatch): void {
    const { producerId, producerEpoch: epoch, baseSequence: firstSequence, baseOffset, maxTimestampMs } = batch;
    const known = this.#states.get(producerId);
    const before = known?.epoch === epoch ? known.batches : [];
    const written = { firstSequence, lastSequence: lastSequenceOf(batch), baseOffset, maxTimestampMs };
    this.#states.set(producerId, { epoch, batches: [...before, written].slice(-REMEMBERED_BATCHES) });
  }

  /** A transaction marker fences the producers of former epochs. */
  marked(producerId: bigint, epoch: number): void {
    const known = this.#states.get(producerId);
    if (known === undefined || known.epoch !== epoch) this.#states.set(producerId, { epoch, batches: [] });
  }
}

function lastSequenceOf({ baseSequence, lastOffsetDelta }: RecordBatch): number {
  return (baseSequence + lastOffsetDelta) % SEQUENCES;
}
