import { describe, expect, test } from "vitest";
import { heldLease, isLease } from "../../../../adapters/kinesis/group/lease-item.ts";
import { createOf, deleteOf, updateOf } from "../../../../adapters/kinesis/group/lease-writes.ts";
import type { Item } from "../../../../adapters/kinesis/group/tables.ts";
import type { Held, LeaseRow } from "../../../../src/leases/index.ts";

const SHARD = "shardId-000000000001";
const key: Item = { leaseKey: { S: SHARD } };

const row: LeaseRow = {
  groupId: "group-1",
  partition: SHARD,
  parents: ["shardId-000000000000"],
  owner: "member-1",
  epoch: 12n,
  beat: 3n,
  holdMs: 30_000,
  wantedBy: null,
  place: { kind: "after", position: "101" },
  ahead: { of: "after 101", upTo: "110", except: ["105"] },
  emptyUntilMs: 5_000,
  moved: 0n,
};

const nowhere = (): { kind: "earliest" } => ({ kind: "earliest" });

/** As the table has it after the first write. */
function created(first: LeaseRow): Item {
  return createOf("table", first).input.Item!;
}

/** What an update sets and removes. */
function changed(before: Held<LeaseRow>, next: LeaseRow) {
  const { input, version } = updateOf("table", before, next);
  const { UpdateExpression = "", ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = input;
  const [sets = "", removes] = UpdateExpression.replace("SET ", "").split(" REMOVE ");
  const terms = sets.split(", ").map((term) => term.split(" = ") as [name: string, value: string]);
  return {
    version,
    columns: Object.fromEntries(terms.map(([name, value]) => [names[name]!, values[value]!])) as Item,
    removed: (removes?.split(", ") ?? []).map((name) => names[name]),
  };
}

/** As the table has it after the second write. */
function updated(first: LeaseRow, next: LeaseRow): Item {
  const { columns, removed } = changed(heldLease(created(first), nowhere), next);
  return Object.fromEntries(Object.entries({ ...created(first), ...columns }).filter(([column]) => !removed.includes(column)));
}

describe("our rows", () => {
  test("are read as they were written, and with the version that the write has answered", () => {
    const { input, version } = createOf("table", row);
    const held = heldLease(input.Item!, nowhere);
    expect(held).toEqual({ row, version });
    const next: LeaseRow = { ...row, owner: null, beat: 4n };
    expect(heldLease(updated(row, next), nowhere).row).toEqual(next);
  });

  test("keep what is handled ahead, packed where it is much", () => {
    const except = Array.from({ length: 900 }, (_, index) => `4959033827149025660855969253836157109592157598913658${8_898 + index * 7}/3`);
    const much: LeaseRow = { ...row, ahead: { of: "after 101", upTo: except.at(-1)!, except } };
    const { input, version } = createOf("table", much);
    expect(input.Item!["streamport"]!.S!.length).toBeLessThan(JSON.stringify(except).length / 5);
    expect(heldLease(input.Item!, nowhere)).toEqual({ row: much, version });
  });

  test("say in the columns of the library what has been handled, and never more", () => {
    const checkpoint = (place: LeaseRow["place"], before: LeaseRow | null = null): unknown => {
      const item = before === null ? created({ ...row, place }) : updated(before, { ...row, place });
      return [item["checkpoint"]?.S, item["checkpointSubSequenceNumber"]?.N];
    };
    expect(checkpoint({ kind: "after", position: "101" })).toEqual(["101", "0"]);
    expect(checkpoint({ kind: "ended" })).toEqual(["SHARD_END", "0"]);
    for (const place of [{ kind: "earliest" }, { kind: "timestamp", timestampMs: 5 }, { kind: "at", position: "102" }] as const) {
      expect(checkpoint(place)).toEqual(["TRIM_HORIZON", "0"]);
    }
    // Of record 102 a part is handled: the library may count 101 only, and after a reset to an earlier place nothing.
    expect(checkpoint({ kind: "after", position: "102/3" }, row)).toEqual(["101", "0"]);
    expect(checkpoint({ kind: "after", position: "99/3" }, { ...row, moved: -1n })).toEqual(["TRIM_HORIZON", "0"]);
    expect(checkpoint({ kind: "after", position: "102/3" }, { ...row, groupId: "a former group" })).toEqual(["TRIM_HORIZON", "0"]);
  });

  test("are ours no more where a client of the library has gone on: its checkpoint counts, with our epoch", () => {
    const item: Item = { ...created(row), leaseOwner: { S: "kcl" }, leaseCounter: { N: "9" }, checkpoint: { S: "150" } };
    expect(heldLease(item, nowhere).row).toMatchObject({
      groupId: null,
      owner: "kcl",
      beat: 9n,
      epoch: 12n,
      holdMs: null,
      place: { kind: "after", position: "150/0" },
      ahead: null,
      emptyUntilMs: null,
    });
  });

  test("keep our place where only the owner is another one, or none", () => {
    const stolen: Item = { ...created(row), leaseOwner: { S: "kcl" }, leaseCounter: { N: "4" } };
    expect(heldLease(stolen, nowhere).row).toEqual({ ...row, owner: "kcl", beat: 4n, holdMs: null });
    const freed = Object.entries({ ...stolen, leaseCounter: { N: "5" } }).filter(([column]) => column !== "leaseOwner");
    expect(heldLease(Object.fromEntries(freed) as Item, nowhere).row).toEqual({ ...row, owner: null });
  });

  test("are written only where every column is as it was", () => {
    const held = heldLease(created(row), nowhere);
    for (const input of [updateOf("table", held, row).input, deleteOf("table", held)]) {
      const { ConditionExpression = "", ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = input;
      expect(Object.values(ExpressionAttributeNames).toSorted()).toEqual(
        ["checkpoint", "checkpointSubSequenceNumber", "leaseCounter", "leaseKey", "leaseOwner", "streamport"].toSorted(),
      );
      expect(ConditionExpression.split(" AND ")).toHaveLength(6);
      expect(Object.values(ExpressionAttributeValues)).toContainEqual({ S: "member-1" });
    }
    const free = deleteOf("table", heldLease(updated(row, { ...row, owner: null }), nowhere));
    expect(free.ConditionExpression).toContain("attribute_not_exists(#owner)");
  });

  test("leave columns of others alone", () => {
    const { columns, removed } = changed(heldLease(created(row), nowhere), { ...row, owner: null });
    expect(Object.keys(columns).toSorted()).toEqual(["checkpoint", "checkpointSubSequenceNumber", "leaseCounter", "streamport"]);
    expect(removed).toEqual(["leaseOwner"]);
  });
});

describe("rows of the library", () => {
  const foreign = (checkpoint: string, subSequence = "0"): Item => ({
    ...key,
    leaseOwner: { S: "kcl" },
    leaseCounter: { N: "70" },
    checkpoint: { S: checkpoint },
    checkpointSubSequenceNumber: { N: subSequence },
    parentShardId: { SS: ["shardId-000000000000"] },
    throughputKBps: { N: "4" },
  });

  test.each([
    ["a record", "101", "0", { kind: "after", position: "101/0" }],
    ["a user record of an aggregate", "101", "19", { kind: "after", position: "101/19" }],
    ["the end", "SHARD_END", "0", { kind: "ended" }],
    ["the horizon", "TRIM_HORIZON", "0", { kind: "earliest" }],
    ["the latest", "LATEST", "0", { kind: "at", position: "latest" }],
    ["a time", "AT_TIMESTAMP", "0", { kind: "at", position: "timestamp" }],
  ])("at %s are adopted there", (_, checkpoint, subSequence, place) => {
    const held = heldLease(foreign(checkpoint, subSequence), (partition, kind) => {
      expect(partition).toBe(SHARD);
      return { kind: "at", position: kind };
    });
    expect(held.row).toMatchObject({ groupId: null, owner: "kcl", beat: 70n, holdMs: null, parents: ["shardId-000000000000"], place });
  });

  test("keep a checkpoint within an aggregate when they are taken over", () => {
    const before = heldLease(foreign("101", "19"), nowhere);
    const { columns } = changed(before, { ...before.row, groupId: "g", owner: "member-1", epoch: 1n, beat: 71n });
    expect(columns).toMatchObject({ checkpoint: { S: "101" }, checkpointSubSequenceNumber: { N: "19" }, leaseCounter: { N: "71" } });
  });

  test("of workers and coordinators are no leases", () => {
    expect(isLease(foreign("101"))).toBe(true);
    expect(isLease({ ...foreign("101"), entityType: { S: "LEASE" } })).toBe(true);
    expect(isLease({ ...foreign("101"), entityType: { S: "WORKER_METRICS" } })).toBe(false);
    expect(isLease({ leaseKey: { S: "worker-1" }, checkpoint: { S: "101" } })).toBe(false);
    expect(isLease({ leaseKey: { S: "Migration3.0" } })).toBe(false);
    expect(isLease({ leaseKey: { S: SHARD } })).toBe(false);
  });
});
