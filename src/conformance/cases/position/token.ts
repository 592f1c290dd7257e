import { isStreamError } from "../../../errors.ts";
import type { Message } from "../../../message.ts";
import type { ReaderOptions } from "../../../replay/reader-types.ts";
import type { Bookmark, Position } from "../../../tokens.ts";
import { expectEqual, expectRejection, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import type { Sequenced } from "../../history/sequenced.ts";
import { bookmarkBehindAll } from "../../support/end-bookmark.ts";
import { recreateTopic } from "../../support/recreate-topic.ts";
import { publish, readAll } from "../../support/stream-steps.ts";

interface Tokens {
  readonly position: Position;
  readonly partition: string;
  readonly bookmark: Bookmark;
}

async function tokensOf(context: CaseContext, topic: CaseTopic): Promise<Tokens> {
  await publish(context, context.history(), topic, ["key"], 3);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  const { position, partition }: Message<Sequenced> = messages[1]!;
  return { position, partition, bookmark: await bookmarkBehindAll(context, topic) };
}

/** Every option with which a reader takes a token, as far as the provider has the capability. */
function rangesWith(context: CaseContext, { position, partition, bookmark }: Tokens): readonly (readonly [string, ReaderOptions])[] {
  const { startAtPosition, endAtBookmark, partitions: hasPartitions } = context.capabilities;
  const partitions = hasPartitions ? [partition] : undefined;
  const ranges: (readonly [string, ReaderOptions])[] = [["from: { bookmark }", { from: { bookmark }, until: "now" }]];
  if (endAtBookmark) ranges.push(["until: { bookmark }", { until: { bookmark } }]);
  if (!startAtPosition) return ranges;
  ranges.push(["from: { at }", { from: { at: position }, until: "now", partitions }]);
  ranges.push(["from: { after }", { from: { after: position }, until: "now", partitions }]);
  ranges.push(["until: { through }", { until: { through: position }, partitions }]);
  return ranges;
}

const otherTopic = defineCase({
  name: "position/token/other-topic",
  promise: 9,
  mutant: "takes-foreign-tokens",
  run: async (context) => {
    const here = await context.topic();
    const elsewhere = await context.topic();
    const tokens = await tokensOf(context, elsewhere);
    await publish(context, context.history(), here, ["key"], 3);
    const stream = sequencedTopic(context.connection, here);
    for (const [place, range] of rangesWith(context, tokens)) {
      const promise = `${place} with a token of another topic`;
      await expectRejection(async () => readAll(context, stream, range), "position-mismatch", promise);
    }
    if (!context.capabilities.groupReset) return;
    const group = await context.group(here);
    const { bookmark } = tokens;
    await expectRejection(
      async () => context.within(context.admin.resetGroup(here.name, group, { bookmark }), "a refusal"),
      "position-mismatch",
      "resetGroup to a bookmark of another topic",
    );
  },
});

const recreated = defineCase({
  name: "position/token/re-created-topic",
  promise: 9,
  mutant: "forgets-the-incarnation",
  gates: {
    topicAdmin: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.deleteTopic(topic.name), "topicAdmin");
    },
    recreationDetected: async (context) => {
      const topic = await context.topic();
      const { bookmark } = await tokensOf(context, topic);
      await recreateTopic(context, topic);
      const stream = sequencedTopic(context.connection, topic);
      const read = async (): Promise<unknown> => readAll(context, stream, { from: { bookmark }, until: "now" });
      // The provider cannot distinguish the two topics. The position may not exist in the new one.
      const refusal = await context.within(
        read().then(
          () => null,
          (error: unknown) => error,
        ),
        "a reader to end",
      );
      expectTrue(
        refusal === null || isStreamError(refusal, "position-out-of-range"),
        `where a re-created topic is not recognised its old bookmarks are read or out of range, not ${showError(refusal)}`,
      );
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const tokens = await tokensOf(context, topic);
    await recreateTopic(context, topic);
    await publish(context, context.history(), topic, ["key"], 5);
    const stream = sequencedTopic(context.connection, topic);
    for (const [place, range] of rangesWith(context, tokens)) {
      const promise = `${place} with a token of a topic that was deleted and created again`;
      await expectRejection(async () => readAll(context, stream, range), "position-mismatch", promise);
    }
  },
});

const altered = defineCase({
  name: "position/token/altered",
  promise: 9,
  mutant: "believes-altered-tokens",
  run: async (context) => {
    const topic = await context.topic();
    const { position, partition, bookmark } = await tokensOf(context, topic);
    const stream = sequencedTopic(context.connection, topic);
    const alterations: readonly (readonly [string, (token: string) => string])[] = [
      ["cut short", (token) => token.slice(0, -3)],
      ["lengthened", (token) => `${token}0`],
      ["changed in the middle", (token) => changeOne(token, Math.floor(token.length / 2))],
      ["made up", () => "42"],
      ["left empty", () => ""],
    ];
    for (const [what, alter] of alterations) {
      for (const [place, range] of rangesWith(context, { position: alter(position), partition, bookmark: alter(bookmark) })) {
        await expectRejection(async () => readAll(context, stream, range), "invalid-argument", `${place} with a token that was ${what}`);
      }
    }
    for (const [place, range] of rangesWith(context, { position: bookmark, partition, bookmark: position })) {
      await expectRejection(async () => readAll(context, stream, range), "invalid-argument", `${place} with a token of the other kind`);
    }
  },
});

function changeOne(token: string, index: number): string {
  return `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
}

const lifetime = defineCase({
  name: "position/token/bookmark-lifetime",
  promise: 9,
  mutant: "bookmarks-live-for-no-time",
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const { bookmark } = await tokensOf(context, topic);
    const { bookmarkLifetimeMs: declared } = context.capabilities;
    expectTrue(
      declared === null || (Number.isSafeInteger(declared) && declared > 0),
      `the life of a bookmark is that of the messages (null) or a time in milliseconds, not ${declared}`,
    );
    const { bookmarkLifetimeMs: ofTopic } = await context.within(stream.capabilities(), "the capabilities of a topic");
    expectTrue(
      declared === null || (ofTopic !== null && ofTopic <= declared),
      `a topic only shortens the life of bookmarks: ${ofTopic}, of the provider ${declared}`,
    );
    const later = context.history();
    await publish(context, later, topic, ["key"], 2);
    const messages = await readAll(context, stream, { from: { bookmark }, until: "now" });
    expectEqual(messages.length, later.sent.length, "messages behind a bookmark that still lives");
  },
});

export const positionTokenCases = [otherTopic, recreated, altered, lifetime];
