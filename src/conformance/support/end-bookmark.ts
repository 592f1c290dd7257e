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
