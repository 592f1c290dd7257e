import type { StoredRecord } from "../../src/driver/record.ts";
import { recordMutant, recordsMutant } from "./change-records.ts";
import { readerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

function throughText(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Buffer.from(Buffer.from(bytes).toString("utf8"));
}

function reformatted(bytes: Uint8Array | null): Uint8Array | null {
  if (bytes === null) return null;
  const parsed: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  return Buffer.from(JSON.stringify(parsed));
}

function folded(key: Uint8Array | null): Uint8Array | null {
  return key === null ? null : Buffer.from(Buffer.from(key).toString("utf8").normalize("NFC").toLowerCase());
}

/** Defects of what is stored: which records, in which order, with which bytes. */
export const recordMutants: readonly Mutant[] = [
  recordsMutant("drops-a-record", () => {
    let count = 0;
    return (records) => records.filter(() => (count += 1) % 7 !== 0);
  }),
  recordsMutant("drops-the-last-of-a-slice", () => (records) => (records.length > 1 ? records.slice(0, -1) : records)),
  recordsMutant("drops-beyond-500-of-a-slice", () => (records) => records.slice(0, 500)),
  recordsMutant("stores-a-slice-backwards", () => (records) => records.toReversed()),
  recordMutant("values-through-text", ({ value }) => ({ value: throughText(value) })),
  recordMutant("reformats-json", ({ value }) => ({ value: reformatted(value) })),
  recordMutant("empty-value-as-null", ({ value }) => (value?.length === 0 ? { value: null } : {})),
  recordMutant("null-value-as-empty", ({ value }) => (value === null ? { value: new Uint8Array(0) } : {})),
  recordMutant("loses-headers", () => ({ headers: [] })),
  recordMutant("header-values-through-text", ({ headers }) => ({
    headers: headers.map(([name, value]) => [name, throughText(value) ?? value] as const),
  })),
  recordMutant("new-id-for-every-write", ({ headers }) => ({
    headers: headers.map(([name, value]) => [name, name === "streamport-id" ? Buffer.from(crypto.randomUUID()) : value] as const),
  })),
  recordMutant("keyless-to-the-first-partition", ({ key }) => (key === null ? { toPartition: "0" } : {})),
  recordMutant("empty-key-as-none", ({ key }) => (key?.length === 0 ? { key: null } : {})),
  recordMutant("drops-unnamed-headers", ({ headers }) => ({ headers: headers.filter(([name]) => name !== "") })),
  recordMutant("odd-times-are-none", ({ timestampMs }) => (typeof timestampMs === "bigint" ? { timestampMs: null } : {})),
  recordMutant("stamps-its-own-time", () => ({ timestampMs: null })),
  recordMutant("folds-keys", ({ key }) => ({ key: folded(key) })),
  recordMutant("keys-through-text", ({ key }) => ({ key: throughText(key) })),
  recordMutant("truncates-keys", ({ key }) => ({ key: key?.subarray(0, 100) ?? null })),
  readerMutant("headers-in-an-envelope", (reader) => ({
    read: async (partitions, sink, signal) => {
      const withoutNative = (record: StoredRecord): StoredRecord => override(record, { native: null });
      const enveloped = override(sink, {
        deliver: async (partition, records) => sink.deliver(partition, records.map(withoutNative)),
      });
      await reader.read(partitions, enveloped, signal);
    },
  })),
];
