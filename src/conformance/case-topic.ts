import type { Connection } from "../connection-types.ts";
import type { Bookmark } from "../tokens.ts";
import type { TopicSettings } from "../topic-settings.ts";
import type { Topic } from "../topic-types.ts";
import { type Sequenced, sequencedCodec } from "./history/sequenced.ts";

/** A topic that one case has to itself. */
export interface CaseTopic {
  readonly name: string;
  readonly partitions: readonly string[];
  /**
   * Where the case's own messages begin: the beginning of a new topic, or the end that a lent one had. For readers and for
   * groups alike.
   */
  readonly start: "earliest" | { readonly bookmark: Bookmark };
}

/** Several partitions always: with one, whole classes of disorder cannot show. */
export const DEFAULT_TOPIC = { partitions: 4 } as const satisfies TopicSettings;

/** The topic for values whose order is judged; the key is the one that the value names. */
export function sequencedTopic(connection: Connection, topic: Pick<CaseTopic, "name">): Topic<Sequenced> {
  return connection.topic(topic.name, { codec: sequencedCodec, key: (value) => value.key });
}
