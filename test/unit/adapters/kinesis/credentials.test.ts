import { afterEach, expect, test, vi } from "vitest";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import { connect } from "../../../../src/index.ts";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

afterEach(() => void vi.unstubAllEnvs());

const NUMBERS = Array.from({ length: 12 }, (_, number) => number);

test.each([600_000, -600_000])("a clock that is wrong by %d ms costs one more request, of Kinesis and of DynamoDB", async (skewMs) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } }, clockSkewMs: skewMs });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  expect(consuming.failure).toBeNull();
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0"]);
});

test("a key that is wrong fails at once", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} }, credentials: { good: "secret" } });
  for (const credentials of [
    { accessKeyId: "bad", secretAccessKey: "secret" },
    { accessKeyId: "good", secretAccessKey: "other" },
  ]) {
    const connection = await world.connect({ credentials });
    await expect(keyed(connection, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject({ code: "unauthenticated" });
    expect(await connection.check()).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
  }
});

test("credentials that expire are fetched anew once, and keys keep their order", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  let fetched = 0;
  const credentials = async () => {
    fetched += 1;
    return { accessKeyId: "any", secretAccessKey: "any", sessionToken: `token-${fetched}` };
  };
  const connection = await world.connect({ credentials });
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  const before = fetched;
  world.emulator.expireCredentials();
  await Promise.all(["a", "b", "c"].flatMap((key) => NUMBERS.map(async (number) => producer.send({ value: `${key} ${number + 1}` }))));
  await expect.poll(() => consuming.values.length, WAIT).toBe(37);
  for (const [key, numbers] of keysOf(consuming.values))
    expect(numbers, key).toEqual(key === "a" ? [0, ...NUMBERS.map((n) => n + 1)] : NUMBERS.map((n) => n + 1));
  expect(consuming.revoked).toEqual([]);
  // One client of each service has fetched them once.
  await expect.poll(() => fetched - before, WAIT).toBe(2);
});

test("credentials that cannot be renewed fail at once as unauthenticated", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect({ credentials: { accessKeyId: "any", secretAccessKey: "any", sessionToken: "token" } });
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  world.emulator.expireCredentials();
  await expect(producer.send({ value: "a 1" })).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a region is never guessed: none is a matter of the configuration, another one is refused by the service", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  for (const name of ["AWS_REGION", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
  const vpc = await connect(
    kinesis({
      endpoint: "https://vpce-0a-1b.kinesis.eu-west-1.vpce.amazonaws.com",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    }),
  );
  expect(await vpc.check()).toMatchObject({ ok: false, error: { code: "configuration" } });
  await vpc.close();
  // Of an emulator no region needs to be known.
  const connection = await world.connect({ region: undefined });
  expect(await connection.check()).toMatchObject({ ok: true });
  vi.unstubAllEnvs();
  const elsewhere = await world.connect({ region: "eu-central-1" });
  expect(await elsewhere.check()).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
});

test("endpoints, region and credentials are found as the SDK's chain finds them: kinesis:// alone is enough", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} }, credentials: { "key-of-the-environment": "secret" } });
  for (const [name, value] of Object.entries(world.emulator.environment)) vi.stubEnv(name, value);
  await using connection = await connect("kinesis://?pollMs=50", { require: ["groupAdmin"] });
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  await consuming.consumer.close();
  // Each service by its own variable: the tables of another account are not those of this one.
  await using elsewhere = await KinesisWorld.start({ credentials: { "key-of-the-environment": "secret" } });
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", elsewhere.emulator.endpoint);
  await using other = await connect("kinesis://?pollMs=50", { require: ["groupAdmin"] });
  expect(await other.admin.listGroups("orders")).toEqual([]);
  expect(await connection.admin.listGroups("orders")).toEqual(["workers"]);
});

test("the endpoint of an emulator alone serves it, groups included", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  for (const name of ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
  await using connection = await connect(`kinesis://?endpoint=${world.emulator.endpoint}&pollMs=50`);
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  await consuming.consumer.close();
});
