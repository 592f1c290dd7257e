import type { Admin } from "../../../admin/admin-types.ts";
import type { Capability } from "../../../capabilities.ts";
import type { Connection } from "../../../connection-types.ts";
import type { Topic } from "../../../topic-types.ts";
import { expectEqual } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { type LifecycleTrait, expectTraits } from "../../support/lifecycle-traits.ts";
import { publish } from "../../support/stream-steps.ts";

interface ConnectionPart {
  readonly connection: Connection;
  readonly stream: Topic<Sequenced>;
  readonly topic: CaseTopic;
  readonly group: string;
  readonly unusedName: string;
}

/** Administration is possible until `close` is called. */
function adminTrait(
  operation: string,
  call: (admin: Admin<Capability>, part: ConnectionPart) => unknown,
  open: NonNullable<LifecycleTrait<ConnectionPart>["open"]>,
): LifecycleTrait<ConnectionPart> {
  return {
    operation: `admin.${operation}`,
    call: (part) => call(part.connection.admin as Admin<Capability>, part),
    open,
    closing: "closed",
    closed: "closed",
  };
}

/** A user of lent topics may not be permitted to change topics. */
/** A retention that every service has: the shortest of some, and far from the longest. */
const DAY_MS = 86_400_000;

const CHANGES_OF_TOPICS = ["answers", "unsupported", "permission-denied"] as const;

const messageFor = (topic: CaseTopic) => ({ value: { topic: topic.name, key: "key-0", sequence: 1_000 } });

const traits: readonly LifecycleTrait<ConnectionPart>[] = [
  // While a consumer drains, its handlers may still open topics and send.
  {
    operation: "topic",
    call: ({ connection, topic }) => sequencedTopic(connection, topic),
    open: "answers",
    closing: "answers",
    closed: "closed",
  },
  {
    operation: "check",
    call: async ({ connection }, state) => {
      const { ok, error } = await connection.check();
      expectEqual(ok, state === "open", `check while ${state} says whether the provider can be used`);
      expectEqual(error?.code ?? null, state === "open" ? null : "closed", `check while ${state} names the reason`);
    },
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  {
    operation: "topic.capabilities",
    call: async ({ stream }) => stream.capabilities(),
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "topic.producer and send",
    call: async ({ stream, topic }) => stream.producer().send(messageFor(topic)),
    open: "answers",
    closing: "answers",
    closed: "closed",
  },
  {
    operation: "topic.consumer and run",
    call: async ({ stream, group }, state) => {
      const consumer = stream.consumer({ group: `${group}-2` });
      if (state === "open") await consumer.close();
      await consumer.run(() => undefined);
    },
    open: "closed",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "topic.reader and next",
    call: async ({ stream, topic }) => {
      const reader = stream.reader({ from: topic.start, until: "now" });
      await reader[Symbol.asyncIterator]().next();
      await reader.close();
    },
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "topic.reader and bookmark",
    call: async ({ stream, topic }) => {
      const reader = stream.reader({ from: topic.start });
      await reader.bookmark();
      await reader.close();
    },
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  adminTrait("createTopic", async (admin, { unusedName }) => admin.createTopic(unusedName), CHANGES_OF_TOPICS),
  adminTrait("updateTopic", async (admin, { unusedName }) => admin.updateTopic(unusedName, { retentionMs: DAY_MS }), CHANGES_OF_TOPICS),
  adminTrait("describeTopic", async (admin, { topic }) => admin.describeTopic(topic.name), "answers"),
  adminTrait("listTopics", async (admin) => admin.listTopics(), ["answers", "unsupported"]),
  adminTrait("resetGroup", async (admin, { topic, group }) => admin.resetGroup(topic.name, group, "latest"), ["answers", "unsupported"]),
  adminTrait("describeGroup", async (admin, { topic, group }) => admin.describeGroup(topic.name, group), ["answers", "not-found"]),
  adminTrait("listGroups", async (admin, { topic }) => admin.listGroups(topic.name), ["answers", "unsupported"]),
  adminTrait("lag", async (admin, { topic, group }) => admin.lag(topic.name, group), ["answers", "not-found", "unsupported"]),
  adminTrait("deleteGroup", async (admin, { topic, group }) => admin.deleteGroup(topic.name, group), [
    "answers",
    "not-found",
    "unsupported",
  ]),
  adminTrait("deleteTopic", async (admin, { unusedName }) => admin.deleteTopic(unusedName), CHANGES_OF_TOPICS),
  { operation: "close", call: async ({ connection }) => connection.close(), closing: "answers", closed: "answers" },
  { operation: "disposal", call: async ({ connection }) => connection[Symbol.asyncDispose](), closing: "answers", closed: "answers" },
];

async function connectionPart(context: CaseContext): Promise<ConnectionPart> {
  const topic = await context.topic();
  const connection = await context.connect();
  const group = await context.group(topic);
  return { connection, stream: sequencedTopic(connection, topic), topic, group, unusedName: context.unusedName() };
}

const open = defineCase({
  name: "lifecycle/connection/open",
  promise: 11,
  mutant: "check-never-answers",
  run: async (context) => expectTraits(context, traits, "open", await connectionPart(context)),
});

const closing = defineCase({
  name: "lifecycle/connection/closing",
  promise: 10,
  mutant: "closes-late",
  run: async (context) => {
    const part = await connectionPart(context);
    const finish = context.latch();
    let running = 0;
    const handler = async (): Promise<void> => {
      running += 1;
      await finish.opened;
    };
    await publish(context, context.history(), part.topic, keyNames(2), 1);
    context.member(part.topic, { group: await context.group(part.topic) }, handler, part.connection);
    await context.until(() => running > 0, "a handler to run, which delays the close");
    const closed = context.later(part.connection.close());
    await expectTraits(context, traits, "closing", part, () => finish.open());
    await context.within(closed, "the connection to close");
  },
});

const closed = defineCase({
  name: "lifecycle/connection/closed",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const part = await connectionPart(context);
    await context.within(part.connection.admin.describeTopic(part.topic.name), "a first call");
    await context.within(part.connection.close(), "the connection to close");
    await expectTraits(context, traits, "closed", part);
  },
});

export const lifecycleConnectionCases = [open, closing, closed];
