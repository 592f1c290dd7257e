import type { Capability } from "../../capabilities.ts";
import type { Message } from "../../message.ts";
import type { Topic } from "../../topic-types.ts";
import { expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import type { History } from "../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../history/sequenced.ts";
import { publish, readAll } from "./stream-steps.ts";

type CaseBody = (context: CaseContext) => Promise<void>;

/** So many that every partition has kept keys and removed keys. */
const KEPT_KEYS = keyNames(12);
const GONE_KEYS = keyNames(48).map((key) => `gone-${key}`);

/** The last message of a log can only be removed if it is a tombstone. */
export const TOMBSTONE_GATE: Readonly<Partial<Record<Capability, CaseBody>>> = {
  tombstones: async (context) => {
    const topic = await context.topic();
    await expectUnsupported(async () => {
      await withTombstones(context, topic).producer().send({ key: "gone", value: null });
    }, "tombstones");
  },
};

export interface CompactedTopic {
  readonly topic: CaseTopic;
  /** The messages that compaction leaves, as sent. */
  readonly left: History;
  /** Everything that the topic held before compaction, as a reader received it. */
  readonly before: readonly Message<Sequenced>[];
}

/** In each partition of this topic, removed messages follow the last one that is left. So there is no message at the end of the log. */
export async function compactedTopic(context: CaseContext): Promise<CompactedTopic> {
  const compact = context.compaction();
  const topic = await context.topic();
  const superseded = context.history();
  await publish(context, superseded, topic, KEPT_KEYS, 2);
  const left = superseded.continued();
  await publish(context, left, topic, KEPT_KEYS, 1);
  const before = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  await publish(context, context.history(), topic, GONE_KEYS, 1);
  const producer = withTombstones(context, topic).producer();
  await context.within(producer.sendBatch(GONE_KEYS.map((key) => ({ key, value: null }))), "the tombstones to be stored");
  await producer.close();
  await compact(topic);
  return { topic, left, before };
}

function withTombstones(context: CaseContext, topic: CaseTopic): Topic<Sequenced | null> {
  return context.connection.topic<Sequenced, Sequenced, true>(topic.name, { codec: sequencedCodec, tombstones: true });
}
