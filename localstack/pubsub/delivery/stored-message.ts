/** A message as a topic has stored it. Topic, subscriptions and snapshots share it. */
export interface StoredMessage {
  /** In the order of storing, over all topics. */
  readonly sequence: number;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly publishedAtMs: number;
  readonly orderingKey: string;
  /** A `PubsubMessage`, encoded, with its id and its time. */
  readonly bytes: Buffer;
}
