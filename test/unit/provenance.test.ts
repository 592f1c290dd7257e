import { expect, test } from "vitest";
import { provenanceTrail, provenanceWriter, sourceIdOf, withProvenance, withoutProvenance } from "../../src/provenance.ts";

const identity = { cluster: "c1", topic: "flights", incarnation: "i1" };
const id = sourceIdOf("kafka", identity);
const own = [["a", Buffer.from("1")] as const, ["a", null] as const];

test("provenance is appended, read back, and taken away again", () => {
  const headers = withProvenance(own, provenanceWriter(id, "3")("42", 1_730_000_000_000, "128"));
  expect(headers.map(([name]) => name)).toEqual(["a", "a", "streamport-source"]);
  expect(Buffer.from(headers[2]![1]!).toString()).toBe(`${id} 42 1730000000000 3 128`);
  const trail = provenanceTrail(headers);
  expect(trail.copies).toEqual([{ source: id, ordinal: "42", timestampMs: 1_730_000_000_000, partition: "3", position: "128" }]);
  expect(withoutProvenance(headers, trail)).toEqual(own);
});

test("partitions and positions may have any characters, times any size, and an ordinal may be missing", () => {
  const timestampMs = -(2n ** 60n);
  const value = provenanceWriter(id, "a b%é")(null, timestampMs, "x y:1");
  expect(provenanceTrail(withProvenance([], value)).copies).toEqual([
    { source: id, ordinal: null, timestampMs, partition: "a b%é", position: "x y:1" },
  ]);
});

test("a copy of a copy has a header of its own, whatever order the service keeps", () => {
  const other = sourceIdOf("kinesis", identity);
  const first = withProvenance(own, provenanceWriter(id, "0")("1", 1, "0"));
  const second = withProvenance(first, provenanceWriter(other, "0")("7", 2, "9"));
  expect(second.at(-1)![0]).toBe("streamport-source-2");
  const shuffled = second.toReversed();
  const trail = provenanceTrail(shuffled);
  expect(trail.copies.map(({ source }) => source)).toEqual([id, other]);
  expect(withoutProvenance(shuffled, trail)).toEqual(first.toReversed());
});

test("a log of another incarnation, topic, cluster or provider has another id", () => {
  const ids = [
    id,
    sourceIdOf("kinesis", identity),
    sourceIdOf("kafka", { ...identity, incarnation: "i2" }),
    sourceIdOf("kafka", { ...identity, topic: "x" }),
    sourceIdOf("kafka", { ...identity, cluster: "x" }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test("headers of such a name in another form are no provenance, and keep theirs", () => {
  for (const value of ["", "x", `${id} 0 1 0 0`, `${id} 1 1 0`, `${id} 1 1 %zz 0`, `${id} 1 1 0 0 0`]) {
    const headers = [["streamport-source", Buffer.from(value)] as const];
    expect(provenanceTrail(headers).copies).toEqual([]);
    const copied = withProvenance(headers, provenanceWriter(id, "0")("1", 1, "0"));
    expect(copied.map(([name]) => name)).toEqual(["streamport-source", "streamport-source-2"]);
    expect(provenanceTrail(copied)).toMatchObject({ lastIndex: 1, copies: [{ source: id }] });
  }
  expect(provenanceTrail([["streamport-sources", Buffer.from(`${id} 1 1 0 0`)]]).copies).toEqual([]);
});
