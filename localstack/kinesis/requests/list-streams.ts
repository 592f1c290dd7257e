import type { Handler } from "./handler.ts";
import { streamMembers } from "./members.ts";

const DEFAULT_STREAMS = 100;

interface Input {
  readonly Limit?: number | null;
  readonly ExclusiveStartStreamName?: string | null;
  readonly NextToken?: string | null;
}

export const listStreams: Handler = {
  name: "ListStreams",
  members: {
    Limit: { type: "integer", range: [1, 10_000] },
    ExclusiveStartStreamName: streamMembers.StreamName,
    NextToken: { type: "string", length: [1, 1_048_576] },
  },
  handle: ({ Limit, ExclusiveStartStreamName, NextToken }: Input, { streams }) => {
    const behind = typeof NextToken === "string" ? Buffer.from(NextToken, "base64").toString() : (ExclusiveStartStreamName ?? "");
    const rest = streams.all.filter(({ name }) => name > behind);
    const page = rest.slice(0, Limit ?? DEFAULT_STREAMS);
    const HasMoreStreams = page.length < rest.length;
    return {
      StreamNames: page.map(({ name }) => name),
      HasMoreStreams,
      ...(HasMoreStreams ? { NextToken: Buffer.from(page.at(-1)!.name).toString("base64") } : {}),
      StreamSummaries: page.map(({ name, arn, status, mode, createdAtMs }) => ({
        StreamName: name,
        StreamARN: arn,
        StreamStatus: status,
        StreamModeDetails: { StreamMode: mode },
        StreamCreationTimestamp: createdAtMs / 1_000,
      })),
    };
  },
};
