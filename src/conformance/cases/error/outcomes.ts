import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return null;
}

const abortedBefore = defineCase({
  name: "error/outcomes/aborted-calls",
  promise: 12,
  mutant: "admin-ignores-signals",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const reason = new Error("changed my mind");
    const options = { signal: AbortSignal.abort(reason) };
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      "admin.describeTopic": async () => context.admin.describeTopic(topic.name, options),
      "admin.listTopics": async () => context.admin.listTopics(options),
      "admin.describeGroup": async () => context.admin.describeGroup(topic.name, "any", options),
      "topic.capabilities": async () => stream.capabilities(options),
      "connection.check": async () => context.connection.check(options),
      "producer.sendStream": async () => stream.producer().sendStream([{ key: "one", value: "x" }], options),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await thrownBy(async () => context.within(call(), `${name} with an aborted signal to reject`));
      expectTrue(
        error === reason,
        `${name} with an aborted signal rejects with its reason, not ${error === null ? "resolves" : showError(error)}`,
      );
    }
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.length, 0, "messages stored by a call that was aborted before it began");
  },
});

/** How long the provider delays a call. */
const STALL_MS = 1_000;

const abortedInFlight = defineCase({
  name: "error/outcomes/aborted-in-flight",
  promise: 12,
  mutant: "abort-hides-the-outcome",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    await context.within(producer.send({ key: "one", value: "first" }), "a first send");
    await context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS });
    const reason = new Error("changed my mind");
    let error: unknown = reason;
    // On a busy machine a call may leave late. If it was aborted before that, the case sends again and waits longer.
    for (let pauseMs = 20; error === reason && pauseMs < STALL_MS; pauseMs *= 2) {
      const controller = new AbortController();
      const sending = thrownBy(async () => producer.send({ key: "one", value: "maybe" }, { signal: controller.signal }));
      await context.deadline.pause(pauseMs, "the call to leave");
      controller.abort(reason);
      error = await context.within(sending, "a send that is aborted in flight to reject");
    }
    expectTrue(
      isStreamError(error, "outcome-unknown"),
      `a send that may have been stored is outcome-unknown, not ${error === null ? "resolved" : showError(error)}`,
    );
    expectTrue(error.cause === reason, "the signal's reason is the cause");
    await context.within(producer.send({ key: "one", value: "last" }), "a later send of the same key");
    const values = (await readAll(context, stream, { from: topic.start, until: "now" }))
      .map(({ value }) => value)
      .filter((value) => value !== "maybe");
    expectEqual(values.join(), "first,last", "the messages before and after the aborted one are stored once");
  },
});

const unavailable = defineCase({
  name: "error/outcomes/unavailable",
  promise: 12,
  mutant: "outages-are-defects",
  faults: ["disconnect"],
  run: async (context) => {
    const topic = await context.topic();
    const connection = await context.connect();
    await context.within(connection.admin.describeTopic(topic.name), "a first call");
    await context.inject({ kind: "disconnect", topic: topic.name, times: 1 });
    const error = await thrownBy(async () => context.within(connection.admin.describeTopic(topic.name), "a call over a broken connection"));
    // A client that reconnects by itself may have completed the call. Otherwise the error must be retryable.
    if (error !== null) {
      expectTrue(isStreamError(error, "unavailable", "timeout"), `a broken connection is unavailable, not ${showError(error)}`);
      expectEqual(error.retryable, true, "a call over a broken connection may succeed later");
      expectEqual(error.provider, connection.provider, "the error names the provider");
      expectEqual(error.topic, topic.name, "the error names the topic");
      expectTrue(error.operation !== undefined, "the error names the operation");
    }
    await context.within(connection.admin.describeTopic(topic.name), "the same call later");
    const missing = context.unusedName();
    const permanent = await expectRejection(async () => connection.admin.describeTopic(missing), "not-found", "a missing topic");
    expectEqual(permanent.retryable, false, "an error that cannot succeed later is not retryable");
  },
});

export const errorOutcomesCases = [abortedBefore, abortedInFlight, unavailable];
