import { expect, test } from "vitest";
import { connect } from "../../../../src/index.ts";
import { ociStreaming } from "../../../../adapters/oci-streaming/index.ts";
import { keyed, stored } from "../members.ts";
import { silenceTheSdk } from "../../localstack/oci-streaming/silent-sdk.ts";
import { OciWorld } from "./oci-world.ts";

silenceTheSdk();

async function created(world: OciWorld, name: string, streamPoolId = world.emulator.streamPool): Promise<string> {
  const { stream } = await world.raw.admin.createStream({ createStreamDetails: { name, partitions: 1, streamPoolId } });
  return stream.id;
}

test("deleted and failed streams of the same name are passed over, through all pages of the list", async () => {
  await using world = await OciWorld.start({ lifecycleMs: 0 });
  // More than the service lists in a page.
  for (let number = 0; number < 55; number += 1) await world.raw.admin.deleteStream({ streamId: await created(world, "orders") });
  await created(world, "orders");
  await world.emulator.fail("orders");
  const connection = await world.connect();
  await expect(connection.admin.describeTopic("orders")).rejects.toMatchObject({ code: "not-found" });
  await created(world, "orders");
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  expect(await stored(connection, "orders")).toEqual(["a 0"]);
  expect(await connection.admin.listTopics()).toEqual(["orders"]);
});

test("all streams are listed, also those behind the first page", async () => {
  const names = Array.from({ length: 60 }, (_, number) => `orders-${String(number).padStart(2, "0")}`);
  await using world = await OciWorld.start({ topics: Object.fromEntries(names.map((name) => [name, {}])) });
  const connection = await world.connect();
  expect(await connection.admin.listTopics()).toEqual(names);
});

test("a stream that is being created is waited for", async () => {
  await using world = await OciWorld.start({ lifecycleMs: 500 });
  await created(world, "orders");
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  expect(await stored(connection, "orders")).toEqual(["a 0"]);
});

test("two active streams of one name are a conflict, and each can be named by its OCID", async () => {
  await using world = await OciWorld.start({ uniqueNames: false, lifecycleMs: 0 });
  const [first, second] = [await created(world, "orders"), await created(world, "orders")];
  const connection = await world.connect();
  await expect(keyed(connection, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringMatching(/several streams "orders": name one of them by its OCID/),
  });
  await using named = await connect(ociStreaming(world.options), { topics: { orders: first, others: second } });
  await keyed(named, "orders").producer().send({ value: "a 0" });
  expect([await stored(named, "orders"), await stored(named, "others")]).toEqual([["a 0"], []]);
});

test("positions belong to the stream, not to its name", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const receipt = await keyed(connection, "orders").producer().send({ value: "a 0" });
  await connection.admin.deleteTopic("orders");
  await connection.admin.createTopic("orders");
  const reading = keyed(connection, "orders")
    .reader({ from: { at: receipt.position! }, until: "now" })
    [Symbol.asyncIterator]()
    .next();
  await expect(reading).rejects.toMatchObject({ code: "position-mismatch" });
});

test("a stream that is missing is not found, and the message says that it may be a matter of permissions", async () => {
  await using world = await OciWorld.start();
  const { streamPool } = await world.raw.admin.createStreamPool({
    createStreamPoolDetails: { compartmentId: world.emulator.tenancy, name: "other" },
  });
  await created(world, "elsewhere", streamPool.id);
  const connection = await world.connect();
  const ocid = "ocid1.stream.oc1.phx.missing";
  for (const topic of ["none", "elsewhere", ocid]) {
    await expect(keyed(connection, topic).producer().send({ value: "a 0" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/in the stream pool, or these credentials do not permit its use: the service does not say which/),
    });
  }
  await using other = await connect(ociStreaming({ ...world.options, streamPool: streamPool.id }));
  expect((await other.admin.describeTopic("elsewhere")).partitions).toHaveLength(1);
});

test("a stream pool that is wrong shows at the first call", async () => {
  await using world = await OciWorld.start();
  await using connection = await connect(ociStreaming({ ...world.options, streamPool: "ocid1.streampool.oc1.phx.missing" }));
  const { ok, error } = await connection.check();
  expect(ok).toBe(false);
  expect(error).toMatchObject({ code: "permission-denied", message: expect.stringMatching(/or there is no such pool/) });
});

test("the endpoint for messages does not have the requests of the administration, and the error says so", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  await using connection = await connect(ociStreaming({ ...world.options, endpoint: world.emulator.messagesEndpoint }));
  const { error } = await connection.check();
  expect(error).toMatchObject({
    code: "configuration",
    message: expect.stringMatching(/is it the one for messages, or the region's own\?/),
  });
  await using nowhere = await connect(ociStreaming({ ...world.options, endpoint: "http://127.0.0.1:9" }));
  expect((await nowhere.check()).error).toMatchObject({ code: "unavailable" });
});

test("a stream that is listed and not permitted is denied, for sending and for reading", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const denied = { status: 404, code: "NotAuthorizedOrNotFound", times: 1_000 } as const;
  world.emulator.answerWith({ operation: "PutMessages", ...denied });
  await expect(keyed(connection, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject({
    code: "permission-denied",
    message: expect.stringMatching(/lists the stream, but does not let these credentials send to it/),
  });
  world.emulator.answerWith({ operation: "CreateCursor", ...denied });
  await expect(stored(connection, "orders")).rejects.toMatchObject({ code: "permission-denied" });
});
