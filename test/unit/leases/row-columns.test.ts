import { expect, test } from "vitest";
import {
  type GroupRow,
  type LeaseRow,
  type StoredAhead,
  groupColumns,
  groupRowOf,
  leaseColumns,
  leaseRowOf,
} from "../../../src/leases/index.ts";

const LEASE: LeaseRow = {
  groupId: "g",
  partition: "shardId-000000000001",
  parents: ["shardId-000000000000", "a, b"],
  owner: "member 1",
  epoch: 1_700_000_000_000_000_123n,
  beat: 7n,
  holdMs: 10_000,
  wantedBy: "member 2",
  place: { kind: "after", position: "4957 with a blank" },
  ahead: { of: "after 4957 with a blank", upTo: "9", except: ["7", "8"] },
  emptyUntilMs: 1_700_000_000_000,
  moved: 3n,
};
const GROUP: GroupRow = {
  id: "g",
  identity: { cluster: "c", topic: "t", incarnation: "" },
  start: new Map([
    ["a", { kind: "earliest" }],
    ["b", { kind: "timestamp", timestampMs: 5.5 }],
    ["c", { kind: "earliest" }],
  ]),
  moves: 2n,
  move: { number: 3n, by: "admin", beat: 4, to: new Map([["c", { kind: "at", position: "" }]]), isPlacing: true, origin: "log 1=2" },
  attention: 12,
  origin: "log 0=17",
};

test("rows come back from their columns as they were", () => {
  const free: LeaseRow = {
    ...LEASE,
    groupId: null,
    parents: [],
    owner: null,
    holdMs: null,
    wantedBy: null,
    ahead: null,
    emptyUntilMs: null,
  };
  for (const row of [LEASE, free]) expect(leaseRowOf(leaseColumns(row))).toEqual(row);
  const places = [
    { kind: "earliest" },
    { kind: "latest" },
    { kind: "ended" },
    { kind: "at", position: "" },
    { kind: "mark", name: "m 1" },
  ] as const;
  for (const place of places) expect(leaseRowOf(leaseColumns({ ...LEASE, place })).place).toEqual(place);
  for (const row of [GROUP, { ...GROUP, move: null, start: new Map() }]) expect(groupRowOf(groupColumns(row))).toEqual(row);
});

test("what is null has no column", () => {
  expect(Object.keys(leaseColumns({ ...LEASE, owner: null, ahead: null }))).not.toContain("owner");
});

const LONG: StoredAhead = {
  of: "after 4957 with a blank",
  upTo: "9",
  except: Array.from({ length: 900 }, (_, index) => `49590338271490256608559692538361571095921575989136${500_000 + index * 7}`),
};

test("much that is handled ahead is packed, to less than a fifth, and comes back as it was", () => {
  const columns = leaseColumns({ ...LEASE, ahead: LONG });
  expect(columns["ahead"]!.length).toBeLessThan(JSON.stringify(LONG).length / 5);
  expect(leaseRowOf(columns).ahead).toEqual(LONG);
});

test("what is handled ahead is read unpacked too, however much it is", () => {
  expect(leaseRowOf({ ...leaseColumns(LEASE), ahead: JSON.stringify(LONG) }).ahead).toEqual(LONG);
});

test.each([
  ["a later version", "streamport/9 AAAA"],
  ["a cut text", leaseColumns({ ...LEASE, ahead: LONG })["ahead"]!.slice(0, -40)],
  ["other JSON", JSON.stringify({ upTo: "9", except: "7" })],
  ["no JSON", "{"],
])("what is handled ahead in the words of %s is left out, and the place counts", (_, ahead) => {
  expect(leaseRowOf({ ...leaseColumns(LEASE), ahead })).toEqual({ ...LEASE, ahead: null });
});

test("columns of another kind are refused", () => {
  expect(() => leaseRowOf({ partition: "a" })).toThrow(/no columns of a lease/);
  expect(() => leaseRowOf({ ...leaseColumns(LEASE), place: "somewhere" })).toThrow(/no place/);
  expect(() => groupRowOf({ id: "g" })).toThrow(/no columns of a group/);
});
