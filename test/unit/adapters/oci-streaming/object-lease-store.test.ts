import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authentication } from "../../../../adapters/oci-streaming/client/authentication.ts";
import { ServiceCalls } from "../../../../adapters/oci-streaming/client/service-calls.ts";
import { ObjectCalls } from "../../../../adapters/oci-streaming/group/object-calls.ts";
import { ObjectLeaseStore } from "../../../../adapters/oci-streaming/group/object-lease-store.ts";
import { type EmulatedOciStreaming, startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import type { Report } from "../../../../src/driver/index.ts";
import type { LeaseRow } from "../../../../src/leases/index.ts";

const SIGNAL = new AbortController().signal;
const SILENT: Report = Object.assign(() => undefined, { wants: () => false });

const ROW: LeaseRow = {
  groupId: "g",
  partition: "0",
  parents: [],
  owner: "me",
  epoch: 1n,
  beat: 1n,
  holdMs: 30_000,
  wantedBy: null,
  place: { kind: "earliest" },
  ahead: null,
  emptyUntilMs: null,
  moved: 0n,
};

describe("leases in Object Storage", () => {
  let emulator: EmulatedOciStreaming;
  let calls: ServiceCalls;
  let objects: ObjectCalls;

  beforeAll(async () => {
    emulator = await startEmulatedOciStreaming();
    const { region, streamPool, configFile, endpoint, leases } = emulator;
    calls = new ServiceCalls(new Authentication({ region, streamPool, configFile }), SILENT);
    objects = new ObjectCalls(calls, async () => endpoint, leases);
  });

  afterAll(async () => {
    calls.close();
    await emulator.close();
  });

  test("a row is written only over the version that was seen last, and each write has another one", async () => {
    const [one, other] = [new ObjectLeaseStore(objects, "streamport/a/g/"), new ObjectLeaseStore(objects, "streamport/a/g/")];
    const created = await one.create(ROW, SIGNAL);
    expect(created).not.toBeNull();
    expect(await other.create(ROW, SIGNAL)).toBeNull();
    const held = await other.read("0", SIGNAL);
    expect(held).toEqual({ row: ROW, version: created });
    const next = { ...ROW, beat: 2n };
    const written = await other.swap(held!, next, SIGNAL);
    expect(written).not.toBe(created);
    expect(await one.swap({ row: ROW, version: created! }, { ...ROW, owner: "late" }, SIGNAL)).toBeNull();
    expect((await one.list(SIGNAL)).map(({ row }) => row)).toEqual([next]);
    expect(await one.remove({ row: ROW, version: created! }, SIGNAL)).toBe(false);
    expect(await one.remove({ row: next, version: written! }, SIGNAL)).toBe(true);
    expect(await one.read("0", SIGNAL)).toBeNull();
    expect(await one.swap({ row: next, version: written! }, next, SIGNAL)).toBeNull();
  });

  test("what others have written into an object stays", async () => {
    const store = new ObjectLeaseStore(objects, "streamport/b/g/");
    const version = await store.create({ ...ROW, wantedBy: "you" }, SIGNAL);
    const name = "streamport/b/g/partitions/0";
    const found = await objects.read(name, SIGNAL);
    const etag = await objects.write(name, JSON.stringify({ ...(JSON.parse(found!.text) as object), note: "kept" }), version, SIGNAL);
    const fresh = new ObjectLeaseStore(objects, "streamport/b/g/");
    const held = { row: { ...ROW, wantedBy: "you" }, version: etag! };
    expect(await fresh.swap(held, ROW, SIGNAL)).not.toBeNull();
    const columns = JSON.parse((await objects.read(name, SIGNAL))!.text) as Readonly<Record<string, string>>;
    expect(columns).toMatchObject({ note: "kept", owner: "me" });
    expect(columns).not.toHaveProperty("wantedBy");
  });

  test("only objects that have changed are read again, and lists have pages", async () => {
    const store = new ObjectLeaseStore(objects, "streamport/c/g/");
    await Promise.all(Array.from({ length: 30 }, async (_, partition) => store.create({ ...ROW, partition: String(partition) }, SIGNAL)));
    expect(await store.list(SIGNAL)).toHaveLength(30);
    const before = emulator.callCount("GetObject");
    expect(await store.list(SIGNAL)).toHaveLength(30);
    expect(emulator.callCount("GetObject")).toBe(before);
    const other = new ObjectLeaseStore(objects, "streamport/c/g/");
    const held = await other.read("7", SIGNAL);
    await other.swap(held!, { ...ROW, partition: "7", owner: "you" }, SIGNAL);
    const readBefore = emulator.callCount("GetObject");
    const owners = (await store.list(SIGNAL)).map(({ row }) => row.owner);
    expect(owners.filter((owner) => owner === "you")).toHaveLength(1);
    expect(emulator.callCount("GetObject")).toBe(readBefore + 1);
  });

  test("a missing bucket is an error that says so, and no missing row", async () => {
    const { endpoint, leases } = emulator;
    const elsewhere = new ObjectLeaseStore(new ObjectCalls(calls, async () => endpoint, { ...leases, bucket: "none" }), "x/");
    await expect(elsewhere.read("0", SIGNAL)).rejects.toMatchObject({ statusCode: 404, serviceCode: "BucketNotFound" });
  });
});
