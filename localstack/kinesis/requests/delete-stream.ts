import { inUse } from "../service-error.ts";
import { type Handler, type StreamInput, streamOf } from "./handler.ts";
import { streamMembers } from "./members.ts";

interface Input extends StreamInput {
  readonly EnforceConsumerDeletion?: boolean | null;
}

export const deleteStream: Handler = {
  name: "DeleteStream",
  members: { ...streamMembers, EnforceConsumerDeletion: { type: "boolean" } },
  handle: (input: Input, context) => {
    const stream = streamOf(input, context);
    if (stream.status === "DELETING") return {};
    if (stream.consumers.size > 0 && input.EnforceConsumerDeletion !== true) {
      throw inUse(`Stream ${stream.name} under account ${context.streams.account.accountId} has registered consumers.`);
    }
    stream.startDeletion(context.times.deletingMs);
    return {};
  },
};
