import type { Bookmark, Position } from "../tokens.ts";

/**
 * Inclusive, except `after`. A position reads its own partition only; several partitions take a bookmark. Exactly one property.
 * A timestamp means, in each partition, the first message stored at or after it; where no such message exists, the end.
 */
export type From = "earliest" | "latest" | { timestamp: Date | number } | { bookmark: Bookmark } | { at: Position } | { after: Position };

/** Exclusive, except `through`, which reads its own partition only. `"now"`: what was stored when the reader opens. Ends by itself, on quiet partitions too (`capabilities.readerEnd`). */
export type Until = "now" | { timestamp: Date | number } | { bookmark: Bookmark } | { through: Position };

export interface Gap {
  readonly topic: string;
  readonly partition: string;
  /** `null` where the provider has no position for it (a trimmed, empty shard). */
  readonly resumesAt: Position | null;
  /** `null` where the provider does not report it. */
  readonly missing: number | null;
}
