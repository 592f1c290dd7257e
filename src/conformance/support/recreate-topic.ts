import { isStreamError } from "../../errors.ts";
import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";

/** Deletes the topic, and creates it again with the same name. */
export async function recreateTopic(context: CaseContext, topic: CaseTopic): Promise<void> {
  await context.within(context.admin.deleteTopic(topic.name), "the topic to be deleted");
  const settings = context.capabilities.partitions ? { partitions: topic.partitions.length } : {};
  // Some services still delete for a while after they have confirmed the deletion.
  await context.deadline.untilAsked(async () => {
    try {
      await context.admin.createTopic(topic.name, settings);
      return true;
    } catch (error) {
      if (isStreamError(error, "already-exists", "conflict", "unavailable")) return false;
      throw error;
    }
  }, "the topic to be created again");
}
