import type { TopicContext } from "../topic-context.ts";
import { resolveConsumerOptions } from "./consumer-options.ts";
import type { ConsumerOptions } from "./consumer-types.ts";
import { GroupMember } from "./group-member.ts";
import type { RecordHandler } from "./record-handler.ts";

/** One member of a group that handles records as they are. Checks the options and opens nothing. @throws `invalid-argument` · `unsupported` */
export function openRecordConsumer(
  context: TopicContext,
  options: Omit<ConsumerOptions, "order">,
  handler: RecordHandler,
): Pick<GroupMember<never>, "run" | "close" | "assigned" | "status"> {
  const resolved = resolveConsumerOptions(context, { ...options, order: "partition" });
  const decoding = {
    tombstones: true,
    codec: {
      decode: (): never => {
        throw new TypeError("records are not decoded");
      },
    },
  };
  return new GroupMember<never>(context, decoding, resolved, { kind: "records", handler });
}
