import type { Message } from "../../message.ts";
import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";
import { plainBytes } from "../plain-codecs.ts";
import { readAll } from "./stream-steps.ts";

/** Everything that a topic holds, as bytes. */
export async function storedBytes(context: CaseContext, topic: CaseTopic): Promise<readonly Message<Uint8Array>[]> {
  const stream = context.connection.topic(topic.name, { codec: plainBytes });
  return readAll(context, stream, { from: topic.start, until: "now" });
}
