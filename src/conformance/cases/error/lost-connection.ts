import type { Connection } from "../../../connection-types.ts";
import { expectRejection, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

/** A call may take several requests. The connection breaks on each of them in turn. */
const REQUESTS = [0, 1, 2];

/** The case checks the capabilities before it calls these. */
type AnyAdmin = Connection<"groupAdmin" | "groupReset" | "lagInMessages">["admin"];

const openingReader = defineCase({
  name: "error/lost-connection/opening-a-reader",
  promise: 8,
  mutant: "tries-calls-once",
  faults: ["disconnect"],
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(4), 2);
    const bookmark = await bookmarkAtStart(context, topic);
    for (const after of REQUESTS) {
      const history = context.history();
      await context.inject({ kind: "disconnect", topic: topic.name, after });
      await readStored(context, history, topic, after % 2 === 0 ? {} : { from: { bookmark } });
      checkExactlyOnceInOrder(sent.sent, history.received, topic.name);
    }
  },
});

async function bookmarkAtStart(context: CaseContext, topic: CaseTopic): Promise<string> {
  const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
  const bookmark = await context.within(reader.bookmark(), "a bookmark");
  await reader.close();
  return bookmark;
}

const administration = defineCase({
  name: "error/lost-connection/administration",
  promise: 12,
  mutant: "tries-calls-once",
  faults: ["disconnect"],
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const admin = context.connection.admin as unknown as AnyAdmin;
    const { groupReset, groupAdmin, lagInMessages } = context.capabilities;
    const calls: Record<string, () => Promise<unknown>> = {
      describeTopic: async () => admin.describeTopic(topic.name),
      "topic.capabilities": async () => sequencedTopic(context.connection, topic).capabilities(),
      ...(groupReset && {
        resetGroup: async () => admin.resetGroup(topic.name, group, "earliest"),
        describeGroup: async () => admin.describeGroup(topic.name, group),
      }),
      ...(groupReset && lagInMessages && { lag: async () => admin.lag(topic.name, group) }),
      ...(groupReset && groupAdmin && { listGroups: async () => admin.listGroups(topic.name) }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const after of REQUESTS) {
        await context.inject({ kind: "disconnect", topic: topic.name, after });
        await context.within(call(), `${name} to be retried after the connection of request ${after} broke`);
      }
    }
  },
});

const ownWork = defineCase({
  name: "error/lost-connection/own-work-done",
  promise: 12,
  mutant: "takes-its-own-work-for-that-of-others",
  faults: ["fail-after-write"],
  gates: {
    topicAdmin: async (context) => {
      await expectUnsupported(async () => context.admin.createTopic(context.unusedName()), "topicAdmin");
    },
  },
  run: async (context) => {
    const { admin } = context;
    const name = await context.missingTopic();
    const loseAnswer = async (): Promise<void> => context.inject({ kind: "fail-after-write", operation: "admin", topic: name });
    await loseAnswer();
    await context.within(admin.createTopic(name), "the creation of a topic whose answer was lost to resolve");
    const stream = sequencedTopic(context.connection, { name });
    const history = context.history();
    const producer = stream.producer();
    await context.within(producer.send({ value: history.next(name, "key") }), "a send to the created topic");
    expectTrue((await readAll(context, stream, { until: "now" })).length === 1, "the created topic can be written and read");
    await producer.close();
    await expectRejection(async () => admin.createTopic(name), "already-exists", "a topic that exists");
    await loseAnswer();
    await context.within(admin.deleteTopic(name), "the deletion of a topic whose answer was lost to resolve");
    await expectRejection(async () => admin.describeTopic(name), "not-found", "a topic that was deleted");
    await expectRejection(async () => admin.deleteTopic(name), "not-found", "a second deletion");
  },
});

export const errorLostConnectionCases = [openingReader, administration, ownWork];
