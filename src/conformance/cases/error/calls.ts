import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { plainText } from "../../plain-codecs.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { shortestSession } from "../../support/shortest-session.ts";
import { sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

const missingTopic = defineCase({
  name: "error/calls/missing-topic",
  promise: 12,
  mutant: "creates-missing-topics",
  run: async (context) => {
    const name = await context.missingTopic();
    const stream = context.connection.topic(name, { codec: plainText });
    const calls: Record<string, () => Promise<unknown>> = {
      send: async () => stream.producer({ deliveryTimeoutMs: context.deadline.longEnough(5_000, 4) }).send({ key: "one", value: "x" }),
      read: async () => stream.reader({ until: "now" })[Symbol.asyncIterator]().next(),
      consume: async () => stream.consumer({ group: "any" }).run(() => undefined),
      describe: async () => context.connection.admin.describeTopic(name),
    };
    for (const [what, call] of Object.entries(calls)) {
      const error = await expectRejection(
        async () => context.within(call(), `${what} of a missing topic to be refused`),
        "not-found",
        `${what} of a missing topic`,
      );
      expectTrue(error.provider !== undefined && error.operation !== undefined, "the error names provider and operation");
      expectEqual(error.topic, name, "the error names the topic");
      expectEqual(error.retryable, false, "the same call will not succeed later");
    }
  },
});

const missingGroup = defineCase({
  name: "error/calls/group-without-a-position",
  promise: 12,
  mutant: "creates-missing-groups",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const member = context.member(topic, { group, initialPosition: "fail" }, () => undefined).expectFailure();
    const error = await member.failure("run to reject for a group that has no position");
    expectTrue(isStreamError(error, "not-found"), `initialPosition fail is not-found for a new group, not ${showError(error)}`);
  },
});

const denied = defineCase({
  name: "error/calls/permission-denied",
  promise: 12,
  mutant: "retries-what-is-not-permitted",
  faults: ["refuse-authorization"],
  run: async (context) => {
    const topic = await context.topic();
    const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
    await context.within(producer.send({ key: "one", value: "allowed" }), "a first send");
    await context.inject({ kind: "refuse-authorization", topic: topic.name });
    const error = await expectRejection(
      async () => context.within(producer.send({ key: "one", value: "x" }), "a send that is not permitted"),
      ["permission-denied", "unauthenticated"],
      "a send that is not permitted",
    );
    expectEqual(error.retryable, false, "what is not permitted is not retried");
    expectEqual(error.topic, topic.name, "the error names the topic as the application calls it");
    await context.within(producer.send({ key: "one", value: "again" }), "a send after the permission is back");
  },
});

const reachesTheCaller = defineCase({
  name: "error/calls/consumer-failure-reaches-the-caller",
  promise: 12,
  mutant: "swallows-failures",
  faults: ["refuse-authorization"],
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    await sendInterleaved(context, producer, history, topic, keyNames(8), 1);
    // Its leave request may be refused too: then it stays in the group until its session ends.
    const sessionTimeoutMs = await shortestSession(context, topic);
    const member = context.member(topic, { group, sessionTimeoutMs, commit: RARE_COMMITS }, recordInto(history)).expectFailure();
    await untilComplete(context, history);
    // Either a call of the producer or one of the member is refused: this repeats until it is one of the member.
    await context.deadline.untilAsked(async () => {
      if (member.ended) return true;
      await context.inject({ kind: "refuse-authorization", topic: topic.name, after: 1 });
      await Promise.allSettled([producer.send({ value: history.next(topic.name, "key-0") })]);
      return member.ended;
    }, "run to reject when the member is no longer permitted");
    const error = await member.failure("run to reject when the member is no longer permitted");
    expectTrue(
      isStreamError(error, "permission-denied", "unauthenticated"),
      `run rejects as permission-denied, not as ${showError(error)}`,
    );
    expectEqual(member.consumer.status().state, "failed", "the status of the member says that it failed");
  },
});

const SECRET = "secret-5f1c";

const noSecrets = defineCase({
  name: "error/calls/no-payload-and-no-key",
  promise: 12,
  mutant: "shows-the-key",
  run: async (context) => {
    const topic = await context.topic();
    const codec = {
      ...plainText,
      encode: (value: string): Uint8Array => {
        if (value.includes("not encodable")) throw new Error("the codec's own words");
        return Buffer.from(value);
      },
    };
    const stream = context.connection.topic(topic.name, { codec });
    const producer = stream.producer();
    const { limits } = await stream.capabilities();
    const messages = [
      { key: SECRET, value: `${SECRET} not encodable` },
      { key: SECRET, value: SECRET.repeat(Math.ceil(limits.messageBytes / SECRET.length) + 1) },
      { key: SECRET.repeat(Math.ceil(limits.keyBytes / SECRET.length) + 1), value: SECRET },
      { key: SECRET, value: SECRET, headers: { [SECRET]: SECRET, name: 1 } as unknown as Record<string, string> },
    ];
    for (const message of messages) {
      const error = await expectRejection(
        async () => context.within(producer.send(message), "a bad message to be refused"),
        ["invalid-argument", "too-large"],
        "a message that cannot be sent",
      );
      const shown = [error.message, JSON.stringify(error), String(error)].join(" ");
      if (shown.includes(SECRET)) throw new PromiseViolation("no error message holds a payload, a key or a header");
    }
  },
});

export const errorCallsCases = [missingTopic, missingGroup, denied, reachesTheCaller, noSecrets];
