import { expect, test } from "vitest";
import type { HeaderList } from "../../../../src/driver/record.ts";
import { partitionHash, placeHash, placeHashAt } from "../../../../src/migration/digest/place-hash.ts";
import { ProvenanceCursor } from "../../../../src/migration/digest/provenance-cursor.ts";
import { provenanceTrail, provenanceWriter, withProvenance } from "../../../../src/provenance.ts";

const SOURCE = "Zk3f9a2c1Qw";

const origins = [
  ["3", "42", 1_730_000_000_000, "128"],
  ["3", "43", -5, "129"],
  ["shardId-000000000001", "1", 0, "49590338271490256608559692538361571095921575989136588898"],
  ["shardId-000000000001", "999999999999999999", 12, "7"],
  ["a b%é", "7", 5, "x y:1"],
  ["a b%é", null, 5, "message-1"],
  ["0", "1", 2n ** 60n, "4@1000"],
] as const;

function fieldsOf({ timestampMs, partition, position, ordinal, place }: ProvenanceCursor) {
  return { timestampMs, partition, position, ordinal, place };
}

/** In the middle of other bytes. */
function readAt(cursor: ProvenanceCursor, value: Uint8Array): boolean {
  const bytes = Buffer.concat([Buffer.from("7 "), value, Buffer.from("7 ")]);
  return cursor.readAt(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 2, value.length);
}

test.for(origins)("a cursor reads what the trail says: %j", ([partition, ordinal, time, position]) => {
  const value = provenanceWriter(SOURCE, partition)(ordinal, time, position);
  const others: HeaderList = [["first", null]];
  const lists = [
    withProvenance([], value),
    withProvenance(others, value),
    withProvenance([["streamport-source", Buffer.from("not provenance")]], value),
    withProvenance(withProvenance(others, provenanceWriter("AAAAAAAAAAA", "1")("1", 1, "1")), value),
  ];
  const expected = {
    timestampMs: time,
    partition,
    position,
    ordinal: ordinal === null ? null : Number(ordinal),
    place: placeHash(partitionHash(partition), position),
  };
  const cursor = new ProvenanceCursor(SOURCE);
  for (const headers of lists) {
    expect(cursor.read(headers)).toBe(provenanceTrail(headers).lastIndex);
    expect(fieldsOf(cursor)).toEqual(expected);
  }
  for (let round = 0; round < 2; round += 1) {
    if (readAt(cursor, value)) expect(fieldsOf(cursor)).toEqual(expected);
    cursor.read(withProvenance([], provenanceWriter(SOURCE, "other")("1", 1, "1")));
  }
});

test("a cursor reads the usual form in place, also where the partition begins as the one before", () => {
  const cursor = new ProvenanceCursor(SOURCE);
  for (const partition of ["1", "1", "12", "1", "3", "shardId-000000000001"]) {
    expect(readAt(cursor, provenanceWriter(SOURCE, partition)("42", 1_730_000_000_000, "128"))).toBe(true);
    expect(fieldsOf(cursor)).toEqual({
      timestampMs: 1_730_000_000_000,
      partition,
      position: "128",
      ordinal: 42,
      place: placeHash(partitionHash(partition), "128"),
    });
  }
  const bytes = Buffer.from("xx128");
  expect(placeHashAt(partitionHash("3"), new DataView(bytes.buffer, bytes.byteOffset, 5), 2, 5)).toBe(placeHash(partitionHash("3"), "128"));
});

test("a cursor takes no message without provenance, nor one whose last copy came from elsewhere", () => {
  const cursor = new ProvenanceCursor(SOURCE);
  const ours = provenanceWriter(SOURCE, "0")("1", 1, "1");
  const theirs = provenanceWriter("AAAAAAAAAAA", "0")("1", 1, "1");
  expect(cursor.read([])).toBe(-1);
  expect(cursor.read([["a", null]])).toBe(-1);
  expect(cursor.read(withProvenance([], theirs))).toBe(-1);
  expect(cursor.read(withProvenance(withProvenance([], ours), theirs))).toBe(-1);
  expect(readAt(cursor, theirs)).toBe(false);
  for (const text of [
    "",
    SOURCE,
    `${SOURCE} `,
    `${SOURCE} 1`,
    `${SOURCE} 1 1 0 `,
    `${SOURCE} 1 1 0`,
    `${SOURCE} 0 1 0 1`,
    `${SOURCE} 1 x 0 1`,
    `${SOURCE} 1 1  1`,
    `${SOURCE} 1 1 0 1 1`,
    `${SOURCE} 1 1 %zz 1`,
  ]) {
    const value = Buffer.from(text);
    const headers: HeaderList = [["streamport-source", value]];
    expect(cursor.read(headers), text).toBe(provenanceTrail(headers).lastIndex);
    expect(readAt(cursor, value), text).toBe(false);
  }
});
