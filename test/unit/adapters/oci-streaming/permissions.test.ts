import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { OciStreamingOptions } from "../../../../adapters/oci-streaming/index.ts";
import { OciStreamingDriver } from "../../../../adapters/oci-streaming/driver.ts";
import type { Permission, Report } from "../../../../src/driver/index.ts";
import { OciWorld } from "./oci-world.ts";

const SIGNAL = new AbortController().signal;
const SILENT: Report = Object.assign(() => undefined, { wants: () => false });
const DENIED = { status: 404, code: "NotAuthorizedOrNotFound", times: 10 } as const;

async function asked(world: OciWorld, options: Partial<OciStreamingOptions> = {}): Promise<ReadonlyMap<string, Permission>> {
  const driver = new OciStreamingDriver({ ...world.options, ...options }).open({ report: SILENT });
  const found = await driver.admin.permissions!("orders", { group: "workers", nativeGroup: undefined }, SIGNAL);
  await driver.close();
  return new Map(found.map((permission) => [permission.operation, permission]));
}

test("what can be tried without a change is tried, and nothing is left behind; the rest is listed", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const found = await asked(world);
  expect([...found.keys()]).toEqual(["send", "consume", "createTopic", "deleteTopic", "resetGroup", "deleteGroup"]);
  expect(found.get("send")).toMatchObject({ isAllowed: null, lacking: ["STREAM_PRODUCE"] });
  expect(found.get("consume")).toMatchObject({ isAllowed: null, lacking: ["OBJECT_CREATE", "OBJECT_OVERWRITE"] });
  expect(found.get("deleteGroup")?.lacking).toContain("OBJECT_DELETE");
  expect(["PutMessages", "PutObject", "DeleteObject", "CreateStream"].map((operation) => world.emulator.callCount(operation))).toEqual([
    0, 0, 0, 0,
  ]);
  expect((await asked(world, { leases: "memory" })).get("consume")).toEqual({ operation: "consume", isAllowed: true, lacking: [] });
});

test.each([
  ["GetStream", "NotAuthorizedOrNotFound", "STREAM_READ"],
  ["CreateCursor", "NotAuthorizedOrNotFound", "STREAM_CONSUME"],
  ["ListObjects", "BucketNotFound", "OBJECT_INSPECT"],
  ["GetObject", "NotAuthorizedOrNotFound", "OBJECT_READ"],
  ["ListStreams", "NotAuthorizedOrNotFound", "STREAM_INSPECT"],
])("a refusal of %s is a permission that is lacking", async (operation, code, permission) => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  world.emulator.answerWith({ ...DENIED, operation, code });
  const found = await asked(world);
  expect(found.get("consume")).toMatchObject({ isAllowed: false, lacking: [permission] });
  if (operation !== "ListStreams") expect(found.get("send")?.isAllowed).toBeNull();
});

test("a stream that is missing is an error, and so is a service that is away", async () => {
  await using world = await OciWorld.start();
  await expect(asked(world)).rejects.toMatchObject({ code: "not-found" });
  world.emulator.answerWith({ operation: "ListStreams", status: 503, code: "ServiceUnavailable", times: 10 });
  await expect(asked(world)).rejects.toMatchObject({ statusCode: 503 });
});

test("the guide names each permission", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const guide = await readFile(new URL("../../../../adapters/oci-streaming/README.md", import.meta.url), "utf8");
  for (const { lacking } of (await asked(world)).values()) for (const name of lacking) expect(guide).toContain(name);
});
