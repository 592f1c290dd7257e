import { expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";

export async function withoutGroups(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  await expectUnsupported(async () => context.admin.listGroups(topic.name), "groupAdmin");
  await expectUnsupported(async () => context.admin.deleteGroup(topic.name, "any"), "groupAdmin");
}
