import { expect, test } from "vitest";
import type { FoundBlob, Metadata } from "../../../../adapters/event-hubs/group/blob-calls.ts";
import { BlobLeaseStore } from "../../../../adapters/event-hubs/group/blob-lease-store.ts";
import { checkpointMetadata, onlyOffsetOf, ownershipMetadata, rowOf } from "../../../../adapters/event-hubs/group/lease-blobs.ts";
import type { LeaseRow } from "../../../../src/leases/index.ts";

const ROW: LeaseRow = {
  groupId: "group",
  partition: "3",
  parents: [],
  owner: "member",
  epoch: 17n,
  beat: 4n,
  holdMs: 10_000,
  wantedBy: null,
  place: { kind: "after", position: "41@8176" },
  ahead: { of: "after 41@8176", upTo: "44@9000", except: ["43@8800"] },
  emptyUntilMs: null,
  moved: 2n,
};

function blob(metadata: Metadata): FoundBlob {
  return { name: "ns/hub/group/checkpoint/3", etag: "1", metadata, modifiedMs: 1_700_000_000_000 };
}

test("what is written is read again, and processors find what they look for", () => {
  const [ownership, checkpoint] = [ownershipMetadata(ROW), checkpointMetadata(ROW)];
  expect(ownership).toMatchObject({ ownerid: "member" });
  expect(checkpoint).toMatchObject({ sequencenumber: "41", offset: "8176" });
  expect(rowOf("3", blob(ownership), blob(checkpoint), 2n)).toEqual(ROW);
});

test("a row with all that may be handled ahead fits the 8 KiB that the metadata of a blob may have", () => {
  const { aheadBytes } = new BlobLeaseStore({
    blobs: null as never,
    prefix: "ns/hub/group/",
    group: "group",
    placeOfOffset: null as never,
  });
  const uuid = "8540ce6b-fe80-45b7-80f7-0ca008cf3d35";
  const longest: LeaseRow = {
    ...ROW,
    groupId: uuid,
    owner: `${uuid}-${uuid}`,
    wantedBy: `${uuid}-${uuid}`,
    epoch: 2n ** 53n,
    beat: 2n ** 53n,
    emptyUntilMs: 1_700_000_000_000,
    place: { kind: "after", position: `999999999999999@${"9".repeat(60)}` },
    ahead: null,
  };
  for (const metadata of [ownershipMetadata(longest), checkpointMetadata(longest)]) {
    const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    // `,"ahead":"…"` comes to it.
    expect(bytes + 11 + aheadBytes).toBeLessThanOrEqual(8_192);
  }
});

test.each<[string, Metadata, string]>([
  ["both", { sequencenumber: "41", offset: "8176" }, "41@8176"],
  ["an empty offset", { sequencenumber: "41", offset: "" }, "41"],
  ["no offset", { sequencenumber: "41" }, "41"],
  ["the minimum of a long as the offset", { sequencenumber: "41", offset: "-9223372036854775808" }, "41"],
  ["the text of no offset", { sequencenumber: "41", offset: "None" }, "41"],
])("a checkpoint of another SDK with %s is resumed by its sequence number", (_, metadata, position) => {
  const row = rowOf("3", null, blob(metadata), null);
  expect(row).toMatchObject({ groupId: null, owner: null, place: { kind: "after", position }, ahead: null });
});

test("a checkpoint of another SDK that names no event is an error, never a start", () => {
  expect(() => rowOf("3", null, blob({ offset: "" }), null)).toThrow(/neither a sequence number nor an offset/);
});

test("a checkpoint of another SDK with an offset alone needs to be looked for, and stands where that is", () => {
  const checkpoint = blob({ offset: "8176" });
  expect(onlyOffsetOf(checkpoint)).toBe("8176");
  expect(onlyOffsetOf(blob({ sequencenumber: "41", offset: "8176" }))).toBeNull();
  expect(onlyOffsetOf(blob(checkpointMetadata(ROW)))).toBeNull();
  const place = { kind: "after", position: "41@8176" } as const;
  expect(rowOf("3", null, checkpoint, null, place)).toMatchObject({ groupId: null, owner: null, place });
});

test("a directory of a hierarchical namespace is no row", () => {
  expect(rowOf("checkpoint", null, blob({ hdi_isfolder: "true" }), null)).toBeNull();
  expect(rowOf("ownership", blob({}), null, 0n)).toBeNull();
});

test("another SDK that takes the ownership is the owner, and the progress stays", () => {
  const row = rowOf("3", blob({ ownerid: "processor" }), blob(checkpointMetadata(ROW)), 2n);
  expect(row).toMatchObject({ owner: "processor", holdMs: null, epoch: 17n, place: ROW.place, ahead: ROW.ahead, moved: 2n });
});

test("another SDK that has written the checkpoint since is believed, and what was handled ahead is void", () => {
  const row = rowOf("3", blob(ownershipMetadata(ROW)), blob({ sequencenumber: "60", offset: "9999" }), 2n);
  expect(row).toMatchObject({ owner: "member", place: { kind: "after", position: "60@9999" }, ahead: null });
});

test("the checkpoint of a deleted group is not that of the next one", () => {
  const next = { ...ROW, groupId: "next", place: { kind: "at", position: "0" }, ahead: null } as const;
  expect(rowOf("3", blob(ownershipMetadata(next)), blob(checkpointMetadata(ROW)), 0n)).toEqual(next);
});

test("a foreign ownership without a checkpoint stands where the group starts", () => {
  expect(rowOf("3", blob({ ownerid: "processor" }), null, 0n)).toMatchObject({ moved: -1n });
  expect(rowOf("3", blob({ ownerid: "processor" }), null, null)).toBeNull();
});
