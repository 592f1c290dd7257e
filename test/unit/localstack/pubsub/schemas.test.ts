import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, codeOf, rawClients } from "./raw-clients.ts";

/** Lists and unions, a name that is used again, and a record within itself. */
const FLIGHT = {
  type: "record",
  name: "Flight",
  namespace: "air",
  fields: [
    { name: "number", type: "int" },
    { name: "gate", type: ["null", { type: "fixed", name: "Gate", size: 2 }], default: null },
    { name: "state", type: { type: "enum", name: "State", symbols: ["BOARDING", "GONE"] } },
    { name: "crew", type: { type: "array", items: "string" } },
    { name: "seats", type: { type: "map", values: "long" } },
    { name: "next", type: ["null", "Flight"] },
  ],
};
const LAST = { number: 2, gate: null, state: "GONE", crew: [], seats: {}, next: null };
const FITTING = { number: 1, gate: { "air.Gate": "A1" }, state: "BOARDING", crew: ["x"], seats: { y: 3 }, next: { "air.Flight": LAST } };

const NOTHING = Buffer.alloc(0);
const bytes = (...parts: readonly number[]): Buffer => Buffer.from(parts);
/** The same two flights: numbers are doubled, a block has a number of items and 0 behind it. */
const FITTING_BYTES = bytes(2, 2, 65, 49, 0, 2, 2, 120, 0, 2, 2, 121, 6, 0, 2, 4, 0, 2, 0, 0, 0);

let emulator: EmulatedPubSub;
let clients: RawClients;

beforeAll(async () => {
  emulator = await startEmulatedPubSub();
  clients = rawClients(emulator);
  await clients.createSchema("flight", FLIGHT);
});

afterAll(async () => {
  await clients[Symbol.asyncDispose]();
  await emulator.close();
});

const parent = (): string => `projects/${emulator.project}`;
const validate = async (message: Buffer, encoding: "JSON" | "BINARY"): Promise<number> =>
  codeOf(clients.schemas.validateMessage({ parent: parent(), name: clients.schema("flight"), message, encoding }, NO_RETRY));
const createTopic = async (id: string, schemaSettings: object): Promise<number> =>
  codeOf(clients.publisher.createTopic({ name: clients.topic(id), schemaSettings }, NO_RETRY));
const publish = async (topic: string, ...values: readonly object[]): Promise<number> => {
  const messages = values.map((value) => ({ data: Buffer.from(JSON.stringify(value)) }));
  return codeOf(clients.publisher.publish({ topic: clients.topic(topic), messages }, NO_RETRY));
};

describe("JSON that a schema", () => {
  test.each<[string, object, number]>([
    ["takes", FITTING, 0],
    ["takes, with more fields", { ...FITTING, more: 1 }, 0],
    ["refuses, because a field is missing", { ...FITTING, crew: undefined }, 3],
    ["refuses, because a number is a fraction", { ...FITTING, number: 1.5 }, 3],
    ["refuses, because a number is too large", { ...FITTING, number: 2 ** 31 }, 3],
    ["refuses, because a symbol is unknown", { ...FITTING, state: "LATE" }, 3],
    ["refuses, because a union does not name its branch", { ...FITTING, gate: "A1" }, 3],
    ["refuses, because a fixed value has another size", { ...FITTING, gate: { "air.Gate": "A12" } }, 3],
    ["refuses, because of an item", { ...FITTING, crew: [1] }, 3],
    ["refuses, because of a value of a map", { ...FITTING, seats: { y: "3" } }, 3],
    ["refuses, because of a record within", { ...FITTING, next: { "air.Flight": {} } }, 3],
  ])("%s", async (_, value, code) => {
    expect(await validate(Buffer.from(JSON.stringify(value)), "JSON")).toBe(code);
  });

  test("cannot read is refused", async () => {
    expect(await validate(Buffer.from("{"), "JSON")).toBe(3);
    expect(await validate(NOTHING, "JSON")).toBe(3);
  });
});

describe("bytes that a schema", () => {
  test.each<[string, Buffer, number]>([
    ["takes", FITTING_BYTES, 0],
    ["refuses, because they end too early", FITTING_BYTES.subarray(0, -1), 3],
    ["refuses, because there is no such branch", bytes(2, 4), 3],
    ["refuses, because there is no such symbol", bytes(2, 0, 4), 3],
    ["refuses, because a length is negative", bytes(2, 0, 0, 2, 1), 3],
    ["refuses, because a text is none", bytes(2, 0, 0, 2, 2, 0xff, 0, 0, 0), 3],
    ["refuses, because a number is too large", bytes(0x80, 0x80, 0x80, 0x80, 0x10), 3],
    ["refuses, because there are none", NOTHING, 3],
  ])("%s", async (_, message, code) => {
    expect(await validate(message, "BINARY")).toBe(code);
  });
});

test("a definition that is none, one of Protocol Buffers, and a name that is taken are refused", async () => {
  const create = async (schemaId: string, definition: string, type: string): Promise<number> => {
    const request = { parent: parent(), schemaId, schema: { type, definition } };
    const validated = codeOf(clients.schemas.validateSchema({ parent: parent(), schema: request.schema } as never, NO_RETRY));
    const created = await codeOf(clients.schemas.createSchema(request as never, NO_RETRY));
    expect(created === 6 ? 0 : created).toBe(await validated);
    return created;
  };
  expect(await create("none", "{", "AVRO")).toBe(3);
  expect(await create("none", JSON.stringify({ type: "record", name: "R", fields: [{ name: "a", type: "integer" }] }), "AVRO")).toBe(3);
  expect(await create("none", JSON.stringify({ type: "record", fields: [] }), "AVRO")).toBe(3);
  expect(await create("none", JSON.stringify(FLIGHT), "TYPE_UNSPECIFIED")).toBe(3);
  expect(await create("none", 'syntax = "proto3"; message A { string x = 1; }', "PROTOCOL_BUFFER")).toBe(12);
  expect(await create("flight", JSON.stringify(FLIGHT), "AVRO")).toBe(6);
});

test("a schema is told as it was made, and listed without its definition", async () => {
  const name = clients.schema("flight");
  const [schema] = await clients.schemas.getSchema({ name }, NO_RETRY);
  expect(schema).toMatchObject({
    name,
    type: "AVRO",
    definition: JSON.stringify(FLIGHT),
    revisionId: expect.stringMatching(/^[\da-f]{8}$/),
  });
  const [listed] = await clients.schemas.listSchemas({ parent: parent() }, NO_RETRY);
  expect(listed).toMatchObject([{ name, definition: "" }]);
  expect(await codeOf(clients.schemas.getSchema({ name: clients.schema("none") }, NO_RETRY))).toBe(5);
});

test("a topic needs a schema that exists, and an encoding", async () => {
  expect(await createTopic("no-schema", { schema: clients.schema("none"), encoding: "JSON" })).toBe(5);
  expect(await createTopic("no-encoding", { schema: clients.schema("flight") })).toBe(3);
});

test("one message that the schema refuses refuses its request, and nothing of it is stored; each message names its schema", async () => {
  expect(await createTopic("checked", { schema: clients.schema("flight"), encoding: "JSON" })).toBe(0);
  const subscription = await clients.subscribe("checked", "checked");
  expect(await publish("checked", FITTING, {}, LAST)).toBe(3);
  expect(await publish("checked", LAST)).toBe(0);
  const [message, ...others] = await clients.pull(subscription);
  expect(others).toEqual([]);
  expect(message).toMatchObject({
    value: JSON.stringify(LAST),
    attributes: { googclient_schemaencoding: "JSON", googclient_schemaname: clients.schema("flight") },
  });
});

test("a topic whose schema was deleted takes nothing, until its setting is removed", async () => {
  await clients.createSchema("brief", FLIGHT);
  const name = clients.topic("brief");
  await createTopic("brief", { schema: clients.schema("brief"), encoding: "JSON" });
  await clients.schemas.deleteSchema({ name: clients.schema("brief") }, NO_RETRY);
  // Another one of the same name is another one.
  await clients.createSchema("brief", FLIGHT);
  const [topic] = await clients.publisher.getTopic({ topic: name }, NO_RETRY);
  expect(topic.schemaSettings).toMatchObject({ schema: "_deleted-schema_", encoding: "JSON" });
  expect(await publish("brief", FITTING)).toBe(5);
  await clients.publisher.updateTopic({ topic: { name }, updateMask: { paths: ["schema_settings"] } }, NO_RETRY);
  expect(await publish("brief", {})).toBe(0);
});
