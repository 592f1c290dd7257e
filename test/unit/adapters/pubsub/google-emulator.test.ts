import { afterEach, beforeEach, expect, test } from "vitest";
import * as sdk from "@google-cloud/pubsub";
import { endpointOf } from "../../../../adapters/pubsub/client/endpoint.ts";
import { connect } from "../../../../src/connect.ts";
import { text } from "../../../../src/codec/text.ts";
import { type Harness, consume, flights, harness, sendTo, valuesOf } from "./harness.ts";

// What the setting for Google's own emulator does. That emulator itself is in `test/long/`.

let under: Harness;

beforeEach(async () => {
  under = await harness();
});

afterEach(async () => {
  await under[Symbol.asyncDispose]();
});

test("on a server that moves no ordered subscription to a time a start there is unsupported, and the setting is named", async () => {
  await sendTo(under.connection, ["0"], "k");
  under.emulator.answerWith({ method: "Seek", code: 12, times: 10 });
  const refused = { code: "unsupported", message: expect.stringContaining("googleEmulator=true") as string };
  await expect(valuesOf(flights(under.connection).reader({ until: "now" }))).rejects.toMatchObject(refused);
  await expect(consume(under.connection, "moved").run).rejects.toMatchObject(refused);
});

test("with the setting nothing is sought: a start is what a new subscription gets, or it is refused before anything is made", async () => {
  await using connection = await connect(`${under.emulator.url}&googleEmulator=true`);
  const topic = connection.topic("flights", { codec: text() });
  under.emulator.answerWith({ method: "Seek", code: 12, times: 10 });
  under.emulator.answerWith({ method: "KeepAlive", isUnanswered: true, times: 1_000 });
  // This emulator begins a new subscription at the end, as the service does.
  await topic.producer().send({ key: "k", value: "0" });
  expect(await valuesOf(topic.reader({ until: "now" }))).toEqual([]);
  const refused = { code: "unsupported", capability: "startAtTimestamp" };
  for (const from of ["latest", { timestamp: 0 }] as const) {
    await expect(valuesOf(topic.reader({ from, until: "now" }))).rejects.toMatchObject(refused);
    await expect(topic.consumer({ group: "delays", initialPosition: from }).run(() => undefined)).rejects.toMatchObject(refused);
  }
  const [left] = await under.raw.subscriber.listSubscriptions({ project: `projects/${under.emulator.project}` });
  expect(left).toEqual([]);
});

test("it gets no pings, for which it would end the connection", () => {
  const options = { project: "local", endpoint: "http://127.0.0.1:1" };
  expect(endpointOf(sdk, { ...options, googleEmulator: true }).clientOptions).not.toHaveProperty(["grpc.keepalive_time_ms"]);
  expect(endpointOf(sdk, options).clientOptions).toHaveProperty(["grpc.keepalive_time_ms"], 30_000);
});
