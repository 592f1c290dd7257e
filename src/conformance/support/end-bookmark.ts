import type { Bookmark } from "../../tokens.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";

/** The bookmark behind everything that is stored now. */
export async function endBookmark(context: CaseContext, topic: Pick<CaseTopic, "name">): Promise<Bookmark> {
  const reader = sequencedTopic(context.connection, topic).reader({ from: "latest" });
  const bookmark = await context.within(reader.bookmark(), "the bookmark of the end");
  await reader.close();
  return bookmark;
}

/** The same, of a reader that has read all of it: for cases that have no need of a start at the latest, which some servers lack. */
export async function bookmarkBehindAll(context: CaseContext, topic: CaseTopic): Promise<Bookmark> {
  const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
  // A provider that makes bookmarks itself has that of a reader at its end only if it was asked for one before.
  await context.within(reader.bookmark(), "a reader to open");
  const reading = async (): Promise<void> => {
    for await (const _ of reader);
  };
  await context.within(reading(), "a reader to read to the end");
  return context.within(reader.bookmark(), "the bookmark of the end");
}
