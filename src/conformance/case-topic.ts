import type { Connection } from "../connection-types.ts";
import type { Bookmark } from "../tokens.ts";
import type { TopicSettings } from "../topic-settings.ts";
import type { Topic } from "../topic-types.ts";
import { type Sequenced, sequencedCodec } from "./history/sequenced.ts";

/** A topic that only one case uses. */
export interface CaseTopic {
  readonly name: string;
  readonly partitions: readonly string[];
  /**
   * The place where the case's own messages begin: the beginning of a new topic, or the end that a lent topic had. Readers and
   * groups start there.
   */
  readonly start: "earliest" | { readonly bookmark: Bookmark };
}

/** Always several partitions: with one partition, whole classes of disorder cannot show. */
export const DEFAULT_TOPIC = { partitions: 4 } as const satisfies TopicSettings;

/** The topic with sequenced values, whose order is checked. The key is the one in the value. */
export function sequencedTopic(connection: Connection, topic: Pick<CaseTopic, "name">): Topic<Sequenced> {
  return connection.topic(topic.name, { codec: sequencedCodec, key: (value) => value.key });
}
