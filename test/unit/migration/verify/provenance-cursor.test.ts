import { expect, test } from "vitest";
import type { HeaderList } from "../../../../src/driver/record.ts";
import { partitionHash, placeHash } from "../../../../src/migration/record-digest.ts";
import { ProvenanceCursor } from "../../../../src/migration/verify/provenance-cursor.ts";
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

test.for(origins)("a cursor reads what the trail says: %j", ([partition, ordinal, time, position]) => {
  const value = provenanceWriter(SOURCE, partition)(ordinal, time, position);
  const others: HeaderList = [["first", null]];
  const lists = [
    withProvenance([], value),
    withProvenance(others, value),
    withProvenance([["streamport-source", Buffer.from("not provenance")]], value),
    withProvenance(withProvenance(others, provenanceWriter("AAAAAAAAAAA", "1")("1", 1, "1")), value),
  ];
  const cursor = new ProvenanceCursor(SOURCE);
  for (const headers of [...lists, ...lists]) {
    expect(cursor.read(headers)).toBe(true);
    const { copies, lastIndex } = provenanceTrail(headers);
    expect(copies.at(-1)).toEqual({
      source: SOURCE,
      ordinal,
      timestampMs: cursor.timestampMs,
      partition: cursor.partition,
      position: cursor.position,
    });
    expect(cursor.index).toBe(lastIndex);
    expect(cursor.ordinal).toBe(ordinal === null ? null : Number(ordinal));
    expect(cursor.place).toBe(placeHash(partitionHash(partition), position));
  }
});

test("a cursor takes no message without provenance, nor one whose last copy came from elsewhere", () => {
  const cursor = new ProvenanceCursor(SOURCE);
  const ours = provenanceWriter(SOURCE, "0")("1", 1, "1");
  const theirs = provenanceWriter("AAAAAAAAAAA", "0")("1", 1, "1");
  expect(cursor.read([])).toBe(false);
  expect(cursor.read([["a", null]])).toBe(false);
  expect(cursor.read(withProvenance([], theirs))).toBe(false);
  expect(cursor.read(withProvenance(withProvenance([], ours), theirs))).toBe(false);
  for (const text of [
    "",
    `${SOURCE} 1 1 0 `,
    `${SOURCE} 1 1 0`,
    `${SOURCE} 0 1 0 1`,
    `${SOURCE} 1 x 0 1`,
    `${SOURCE} 1 1  1`,
    `${SOURCE} 1 1 %zz 1`,
  ]) {
    const headers: HeaderList = [["streamport-source", Buffer.from(text)]];
    expect(cursor.read(headers), text).toBe(provenanceTrail(headers).copies.length > 0);
  }
});
