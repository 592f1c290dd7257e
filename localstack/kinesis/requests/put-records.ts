import type { Handler, StreamInput } from "./handler.ts";
import { streamMembers } from "./members.ts";
import { type PutEntry, entryMembers, storeRecords, writableStream } from "./store-records.ts";

interface Input extends StreamInput {
  readonly Records: readonly PutEntry[];
}

/** Each record is stored or refused by itself; a request that is invalid is refused as a whole. */
export const putRecords: Handler = {
  name: "PutRecords",
  members: {
    ...streamMembers,
    Records: { type: "list", required: true, length: [1, 500], item: { type: "structure", members: entryMembers } },
    DryRun: { type: "boolean" },
  },
  handle: ({ Records: entries, ...input }: Input, context) => {
    const results = storeRecords(writableStream(input, context), entries, context);
    const failures = results.filter((result) => "ErrorCode" in result).length;
    return { FailedRecordCount: failures, Records: results, EncryptionType: "NONE" };
  },
};
