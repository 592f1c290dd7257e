import type { Message } from "../../message.ts";
import type { Bookmark, Position } from "../../position.ts";
import type { ReaderOptions } from "../../replay/reader-types.ts";
import { expectRejection } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { endOf } from "../end-of.ts";
import type { Sequenced } from "../history/sequenced.ts";
import { publish, readAll } from "../stream-work.ts";

interface Tokens {
  readonly position: Position;
  readonly partition: string;
  readonly bookmark: Bookmark;
}

async function tokensOf(context: CaseContext, topic: CaseTopic): Promise<Tokens> {
  await publish(context, context.history(), topic, ["key"], 3);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  const { position, partition }: Message<Sequenced> = messages[1]!;
  return { position, partition, bookmark: await endOf(context, topic) };
}

/** Every place in which a reader takes a token, as far as the provider has it. */
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

export const positionTokenCases = [otherTopic, altered];
