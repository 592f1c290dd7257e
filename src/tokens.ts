/** Names one stored message. Opaque and JSON-safe. Refused with `position-mismatch` by another provider, topic or re-created topic. */
export type Position = string;

/** Names a place in every partition of a topic. Opaque and JSON-safe. Refused like a position. */
export type Bookmark = string;
