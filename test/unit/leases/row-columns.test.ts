import { expect, test } from "vitest";
import { type GroupRow, type LeaseRow, groupColumns, groupRowOf, leaseColumns, leaseRowOf } from "../../../src/leases/index.ts";

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
  move: { number: 3n, by: "admin", beat: 4, to: new Map([["c", { kind: "at", position: "" }]]), isPlacing: true },
  attention: 12,
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

test("columns of another kind are refused", () => {
  expect(() => leaseRowOf({ partition: "a" })).toThrow(/no columns of a lease/);
  expect(() => leaseRowOf({ ...leaseColumns(LEASE), place: "somewhere" })).toThrow(/no place/);
  expect(() => groupRowOf({ id: "g" })).toThrow(/no columns of a group/);
});
