import { afterEach, beforeEach, expect, test } from "vitest";
import { type PubSubCapability } from "../../../../adapters/pubsub/capabilities.ts";
import type { Connection } from "../../../../src/connection-types.ts";
import { connect } from "../../../../src/connect.ts";
import { NO_RETRY } from "../../localstack/pubsub/raw-clients.ts";
import { type Harness, consume, harness, numbers, sendTo } from "./harness.ts";

let under: Harness;
let connection: Connection<PubSubCapability>;

beforeEach(async () => {
  under = await harness();
  connection = (await connect(`${under.emulator.url}&exactlyOnce=true`)) as Connection<PubSubCapability>;
});

afterEach(async () => {
  await connection.close();
  await under[Symbol.asyncDispose]();
});

test("fencing is declared where groups are made with exactly-once delivery, and only there", async () => {
  expect(under.connection.capabilities.fencing).toBe(false);
  expect(connection.capabilities.fencing).toBe(true);
  await sendTo(connection, numbers(20), "k");
  const { values, run, close } = consume(connection, "fenced");
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(20);
  await close();
  await run;
  expect(values).toEqual(numbers(20));
  const [made] = await under.raw.subscriber.getSubscription({ subscription: under.raw.subscription("flights.fenced") }, NO_RETRY);
  expect(made.enableExactlyOnceDelivery).toBe(true);
});

test("a group that exists without it is a conflict, and the text says how to enable it", async () => {
  await under.raw.subscribe("flights", "flights.ordinary");
  const refused = { code: "conflict", message: expect.stringContaining("--enable-exactly-once-delivery") as string };
  await expect(consume(connection, "ordinary").run).rejects.toMatchObject(refused);
});
