import { ServiceError, invalidArgument } from "../service-error.ts";
import { parseSequenceNumber } from "../streams/sequence-number.ts";
import type { Stream } from "../streams/stream.ts";
import type { Handler, StreamInput } from "./handler.ts";
import { streamMembers } from "./members.ts";
import { type PutEntry, entryMembers, storeRecords, writableStream } from "./store-records.ts";

interface Input extends StreamInput, PutEntry {
  readonly SequenceNumberForOrdering?: string | null;
}

export const putRecord: Handler = {
  name: "PutRecord",
  members: {
    ...streamMembers,
    ...entryMembers,
    SequenceNumberForOrdering: { type: "string", pattern: /^(0|([1-9]\d{0,128}))$/ },
    DryRun: { type: "boolean" },
  },
  handle: (input: Input, context) => {
    const stream = writableStream(input, context);
    checkOrdering(stream, input.SequenceNumberForOrdering ?? null);
    const result = storeRecords(stream, [input], context)[0]!;
    if (!("ErrorCode" in result)) return { ...result, EncryptionType: "NONE" };
    const isInternal = result.ErrorCode === "InternalFailure";
    throw new ServiceError(isInternal ? "InternalFailureException" : result.ErrorCode, result.ErrorMessage, isInternal ? 500 : 400);
  },
};

/** It must be a number as the service makes them. Each new record comes behind all others of its shard anyway. */
function checkOrdering({ name, distribution }: Stream, sequenceNumber: string | null): void {
  if (sequenceNumber === null) return;
  if (distribution === "AUTO") throw invalidArgument("SequenceNumberForOrdering cannot be used with the record distribution AUTO.");
  if (parseSequenceNumber(sequenceNumber) !== null) return;
  throw invalidArgument(`ExclusiveMinimumSequenceNumber ${sequenceNumber} used in PutRecord on stream ${name} is invalid.`);
}
