import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

const MESSAGE_BYTES = 2_048;

const BOUND_BYTES = 16 * MESSAGE_BYTES;

const bounded = defineCase({
  name: "producing/flow/bounded",
  promise: 10,
  mutant: "ignores-the-byte-bound",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer({ maxBufferedBytes: BOUND_BYTES });
    const value = "x".repeat(MESSAGE_BYTES);
    let refused = 0;
    const sends = Array.from({ length: 100 }, async (_, index) => {
      try {
        await producer.send({ key: `key-${index % 5}`, value });
      } catch (error) {
        if (!isStreamError(error, "throttled"))
          throw new PromiseViolation(`beyond twice the bound a send is throttled, not ${showError(error)}`);
        refused += 1;
      }
    });
    await context.within(Promise.all(sends), "every send to settle");
    // A message that is not encoded yet counts as 1 KiB, so the bound may be exceeded by a factor of two.
    expectTrue(
      refused >= 100 - (4 * BOUND_BYTES) / MESSAGE_BYTES,
      `of 100 un-awaited sends over a bound of 16 only ${refused} were refused`,
    );
    expectTrue(refused <= 100 - BOUND_BYTES / MESSAGE_BYTES, `${refused} of 100 sends were refused although there was room for 16`);
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.length, 100 - refused, "number of stored messages: those that were not refused");
    await context.within(producer.send({ key: "later", value }), "a send to resolve once there is room again");
  },
});

const deliveryTimeout = defineCase({
  name: "producing/flow/delivery-timeout",
  promise: 2,
  mutant: "ignores-the-delivery-timeout",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const producer = context.connection.topic(topic.name, { codec: plainText }).producer({ deliveryTimeoutMs: 100 });
    await context.within(
      context.connection.topic(topic.name, { codec: plainText }).producer().send({ key: "a", value: "warm" }),
      "a first send",
    );
    await context.inject({ kind: "stall", topic: topic.name, durationMs: 60_000 });
    const error = await expectRejection(
      async () => context.within(producer.send({ key: "a", value: "late" }), "a send to be given up after its deadline"),
      ["timeout", "outcome-unknown"],
      "a send past its deadline",
    );
    expectTrue(error.operation !== undefined, "the error names the operation");
  },
});

const aborted = defineCase({
  name: "producing/flow/aborted-before-it-left",
  promise: 12,
  mutant: "ignores-signals",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    controller.abort(reason);
    for (const call of [
      async () => producer.send({ key: "a", value: "1" }, { signal: controller.signal }),
      async () => producer.sendBatch([{ key: "a", value: "2" }], { signal: controller.signal }),
    ]) {
      let thrown: unknown = null;
      try {
        await context.within<unknown>(call(), "an aborted send to reject");
      } catch (error) {
        thrown = error;
      }
      expectTrue(thrown === reason, "a send that was aborted before it left rejects with the signal's own reason");
    }
    await context.within(producer.send({ key: "a", value: "3" }), "a later send of the same key to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.map(({ value }) => value).join(), "3", "messages that were aborted before they left are not stored");
  },
});

export const producingFlowCases = [bounded, deliveryTimeout, aborted];
