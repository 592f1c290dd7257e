import { expect, test } from "vitest";
import type { RecordParts } from "../../../../src/driver/record-parts.ts";
import type { HeaderList, StoredRecord } from "../../../../src/driver/record.ts";
import { ProvenanceCursor } from "../../../../src/migration/digest/provenance-cursor.ts";
import { partitionHash, placeHash } from "../../../../src/migration/digest/place-hash.ts";
import { RecordScan } from "../../../../src/migration/digest/record-scan.ts";
import { tellContent } from "../../../../src/migration/digest/tell-parts.ts";
import { provenanceWriter, withProvenance } from "../../../../src/provenance.ts";

const SOURCE = "Zk3f9a2c1Qw";
const TIME_MS = 1_730_000_000_000;

function record(headers: HeaderList, tells: boolean, timestampMs = TIME_MS): StoredRecord {
  const content = { key: Buffer.from("k"), value: Buffer.alloc(50, 7), headers };
  const rest = { timestampMs, position: "128", bytes: 51, deliveryAttempt: null, native: null };
  return tells ? { ...content, ...rest, readParts: (parts: RecordParts) => tellContent(content, parts) } : { ...content, ...rest };
}

const contents: readonly HeaderList[] = [
  [],
  [["a", Buffer.from("1")]],
  [
    ["b", null],
    ["a", Buffer.from("1")],
  ],
  [["streamport-source", Buffer.from("not provenance")]],
  [["streamport-sources", null]],
  withProvenance([["a", null]], provenanceWriter("AAAAAAAAAAA", "1")("1", 1, "1")),
];
const usual = provenanceWriter(SOURCE, "3")("42", TIME_MS, "128");

test.for(contents)("a message and its copy have the same hash, read by parts or told: %j", (headers) => {
  const place = placeHash(partitionHash("3"), "128");
  for (const keepsOrder of [true, false]) {
    const expected = [...new RecordScan(keepsOrder, null).hashOf(record(headers, false), place)];
    const origin = new ProvenanceCursor(SOURCE);
    const scan = new RecordScan(keepsOrder, origin);
    for (const tells of [true, false]) {
      expect([...new RecordScan(keepsOrder, null).hashOf(record(headers, tells), place)]).toEqual(expected);
      // The copy has a time of its own.
      expect([...scan.hashOfCopy(record(withProvenance(headers, usual), tells, 5))!]).toEqual(expected);
      expect(origin).toMatchObject({ partition: "3", position: "128", ordinal: 42, place });
      const reversed = [...scan.hashOfCopy(record(withProvenance(headers, usual).toReversed(), tells, 5))!];
      if (!keepsOrder || headers.length < 2) expect(reversed).toEqual(expected);
      else expect(reversed).not.toEqual(expected);
    }
  }
});

test.for(contents)("where copies keep the times, one with another time has another hash: %j", (headers) => {
  const place = placeHash(partitionHash("3"), "128");
  for (const keepsOrder of [true, false]) {
    const expected = [...new RecordScan(keepsOrder, null).hashOf(record(headers, false), place)];
    const scan = new RecordScan(keepsOrder, new ProvenanceCursor(SOURCE), true);
    for (const tells of [true, false]) {
      expect([...scan.hashOfCopy(record(withProvenance(headers, usual), tells))!]).toEqual(expected);
      expect([...scan.hashOfCopy(record(withProvenance(headers, usual), tells, TIME_MS + 1))!]).not.toEqual(expected);
    }
  }
});

test("a message that this copy has not written has no hash", () => {
  const scan = new RecordScan(true, new ProvenanceCursor(SOURCE));
  const later = withProvenance(withProvenance([], usual), provenanceWriter("AAAAAAAAAAA", "1")("1", 1, "1"));
  for (const headers of [...contents, later]) {
    for (const tells of [true, false]) expect(scan.hashOfCopy(record(headers, tells))).toBe(null);
  }
});
