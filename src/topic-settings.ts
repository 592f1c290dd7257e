export interface TopicSettings {
  /** @default the provider's */
  partitions?: number | undefined;
  /** @default the provider's */
  retentionMs?: number | undefined;
}
