import type { StoredRecord } from "../../../src/driver/index.ts";

const MOST_BYTES = 1_048_576;

/** Records as they may be handed out at once: about so many bytes, at least one record. */
export function* portions(records: readonly StoredRecord[], bound: number): Generator<readonly StoredRecord[]> {
  const most = Math.min(bound, MOST_BYTES);
  let from = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    if (index > from && bytes + record.bytes > most) {
      yield records.slice(from, index);
      from = index;
      bytes = 0;
    }
    bytes += record.bytes;
  }
  if (from < records.length) yield records.slice(from);
}
