import type { CallSlice, Fault, OutgoingRecord, RecordResult, SliceResult, StreamError } from "../../../src/driver/index.ts";
import { memoryError, unavailable } from "../errors.ts";
import type { MemoryBroker } from "./broker.ts";
import type { Place } from "./routing.ts";

/** Whether the fault applies to a slice for this place. A fault that names a partition spares the slices for the other partitions. */
function appliesAt(fault: Fault, place: Place): boolean {
  if (fault.partition === undefined) return true;
  return Array.isArray(place) ? place.some(({ id }) => id === fault.partition) : place.id === fault.partition;
}

/** The result that these faults give a slice before it is stored; `null`: the slice is stored. */
export function refusalOf(broker: MemoryBroker, faults: readonly Fault[], slice: CallSlice, place: Place): SliceResult | null {
  for (const fault of faults) {
    if (!appliesAt(fault, place)) continue;
    if (fault.kind === "throttle")
      return { outcome: "retryable", error: memoryError("throttled", "the memory broker refuses the call for load") };
    if (fault.kind === "fail-before-write")
      return { outcome: "retryable", error: unavailable("the memory broker failed before anything was stored") };
  }
  const culprit = slice.records.findIndex((record) => broker.culprits.has(record));
  if (culprit < 0) return null;
  // The core does not retry a message that was named.
  broker.culprits.delete(slice.records[culprit]!);
  return nameCulprit(slice.records, culprit);
}

/** The error of a call with an invalid message, where it does not say which one that is; `null`: there is none. */
export function invalidCall(broker: MemoryBroker, slices: readonly CallSlice[]): StreamError | null {
  const { culprits } = broker;
  if (culprits.size === 0) return null;
  for (const { records } of slices) {
    const culprit = records.find((record) => culprits.has(record));
    if (culprit === undefined) continue;
    // The core does not retry a message that was refused alone.
    if (slices.length === 1 && records.length === 1) culprits.delete(culprit);
    return invalidMessage();
  }
  return null;
}

/**
 * Chooses the message for `fail-entry`: the middle one of the first slice that the fault applies to. The broker remembers it, so that it
 * stays invalid when the core sends it again, among others or alone.
 */
export function chooseCulprits(
  broker: MemoryBroker,
  faults: readonly Fault[],
  slices: readonly CallSlice[],
  places: readonly Place[],
): void {
  for (const fault of faults) {
    if (fault.kind !== "fail-entry") continue;
    const slice = slices.find((_, index) => appliesAt(fault, places[index]!));
    if (slice !== undefined) broker.culprits.add(slice.records[slice.records.length >> 1]!);
  }
}

/** The answer was lost, although everything was stored. */
export function loseAnswer(faults: readonly Fault[], place: Place): SliceResult | null {
  const lost = faults.some((fault) => fault.kind === "fail-after-write" && appliesAt(fault, place));
  return lost ? { outcome: "unknown", error: unavailable("the answer of the memory broker was lost") } : null;
}

function invalidMessage(): StreamError {
  return memoryError("invalid-argument", "the memory broker refuses a message as invalid");
}

function nameCulprit(records: readonly OutgoingRecord[], culprit: number): SliceResult {
  const error = invalidMessage();
  const notStored: RecordResult = {
    outcome: "retryable",
    error: unavailable("not stored, because another message of the call was invalid"),
  };
  return {
    outcome: "each",
    results: records.map((_, index): RecordResult => (index === culprit ? { outcome: "refused", error } : notStored)),
  };
}
