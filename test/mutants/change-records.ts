import type { ProducerDriver, PublishCall, RecordResult, SliceResult } from "../../src/driver/producer-driver.ts";
import type { OutgoingRecord } from "../../src/driver/record.ts";
import { producerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";

/** An answer that only reports success. */
export const CLAIMED: SliceResult = { outcome: "stored", partition: null, timestampMs: null, positionOf: () => null };

/** Writes other records than it was given, and answers as if they were the same. */
export function recordsMutant(name: string, change: () => (records: readonly OutgoingRecord[]) => readonly OutgoingRecord[]): Mutant {
  return producerMutant(name, (producer) => {
    const changeSlice = change();
    return { write: async (call, signal) => writeChanged(producer, call, changeSlice, signal) };
  });
}

/** Changes each record by itself. */
export function recordMutant(name: string, change: (record: OutgoingRecord) => Partial<OutgoingRecord>): Mutant {
  return recordsMutant(name, () => (records) => records.map((record) => altered(record, change(record))));
}

async function writeChanged(
  producer: ProducerDriver,
  call: PublishCall,
  change: (records: readonly OutgoingRecord[]) => readonly OutgoingRecord[],
  signal: AbortSignal,
): Promise<readonly SliceResult[]> {
  const changed = call.slices.map((slice) => ({ ...slice, records: change(slice.records) }));
  const written = changed.filter(({ records }) => records.length > 0);
  const results = written.length === 0 ? [] : await producer.write({ ...call, slices: written }, signal);
  return changed.map((slice, index) =>
    fit(results[written.indexOf(slice)] ?? CLAIMED, call.slices[index]!.records.length, slice.records.length),
  );
}

/** The answer for as many records as there were before. */
function fit(result: SliceResult, length: number, written: number): SliceResult {
  if (result.outcome === "stored") return { ...result, positionOf: (index) => result.positionOf(Math.min(index, written - 1)) };
  if (result.outcome !== "each") return result;
  const stored: RecordResult = { outcome: "stored", partition: null, position: null, timestampMs: null };
  return { ...result, results: Array.from({ length }, (_, index) => result.results[index] ?? stored) };
}

function altered({ key, value, headers, timestampMs, toPartition }: OutgoingRecord, changes: Partial<OutgoingRecord>): OutgoingRecord {
  return { key, value, headers, timestampMs, toPartition, ...changes };
}
