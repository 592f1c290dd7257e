import { WireReader } from "../wire/wire-reader.ts";

/** The topics that a member of a consumer group says it reads; none where its metadata are not of Kafka's own layout. */
export function subscribedTopics(metadata: Buffer): readonly string[] {
  try {
    const reader = new WireReader(metadata, 0, false);
    // The version of the layout: all of them begin alike.
    reader.int16();
    return Array.from({ length: reader.arrayLength() ?? 0 }, () => reader.string() ?? "");
  } catch {
    return [];
  }
}
