import { StreamError } from "../errors.ts";
import type { Bookmark } from "../tokens.ts";
import type { PartitionPlace } from "./place.ts";
import { type TopicIdentity, requireSameTopic, sealBookmark, unsealBookmark } from "./position.ts";

/**
 * The content of a bookmark: `[provider, cluster, topic, incarnation, entries]`. An entry is the partition, a letter for the
 * kind of place and, where the kind has one, its position or time. Short, because bookmarks of thousands of shards exist.
 */
type Entry = readonly [partition: string, letter: string, value?: string | number];

/** A bookmark of these places. The same places give the same text, in any order of the map. */
export function encodeBookmark(provider: string, identity: TopicIdentity, places: ReadonlyMap<string, PartitionPlace>): Bookmark {
  const entries = [...places].map(([partition, place]) => entryOf(partition, place));
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sealBookmark([provider, identity.cluster, identity.topic, identity.incarnation, entries]);
}

/**
 * @throws `invalid-argument` for anything that `encodeBookmark` did not make · `position-mismatch` for a bookmark of another
 * provider, cluster, topic or incarnation
 */
export function decodeBookmark(token: unknown, provider: string, identity: TopicIdentity): ReadonlyMap<string, PartitionPlace> {
  const { entries, ...origin } = contentOf(token);
  requireSameTopic("bookmark", origin, provider, identity);
  if (!Array.isArray(entries)) throw anotherVersion();
  const places = new Map<string, PartitionPlace>();
  for (const entry of entries as unknown[]) {
    if (!Array.isArray(entry) || !isString(entry[0]) || places.has(entry[0])) throw anotherVersion();
    places.set(entry[0], placeOf(entry));
  }
  return places;
}

/** The topic that a bookmark belongs to. @throws `invalid-argument` for anything that `encodeBookmark` did not make */
export function identityOfBookmark(token: unknown): TopicIdentity {
  const { cluster, topic, incarnation } = contentOf(token);
  return { cluster, topic, incarnation };
}

function contentOf(token: unknown): TopicIdentity & { readonly provider: string; readonly entries: unknown } {
  const content = unsealBookmark(token);
  if (!Array.isArray(content) || content.length !== 5) throw anotherVersion();
  const [provider, cluster, topic, incarnation, entries] = content as unknown[];
  if (!isString(provider) || !isString(cluster) || !isString(topic) || !isString(incarnation)) throw anotherVersion();
  return { provider, cluster, topic, incarnation, entries };
}

function entryOf(partition: string, place: PartitionPlace): Entry {
  switch (place.kind) {
    case "at":
      return [partition, "@", place.position];
    case "after":
      return [partition, ">", place.position];
    case "earliest":
      return [partition, "e"];
    case "latest":
      return [partition, "l"];
    case "timestamp":
      return [partition, "t", place.timestampMs];
    case "mark":
      return [partition, "m", place.name];
    case "ended":
      return [partition, "x"];
  }
}

function placeOf([, letter, value]: readonly unknown[]): PartitionPlace {
  if (letter === "@" && isString(value)) return { kind: "at", position: value };
  if (letter === ">" && isString(value)) return { kind: "after", position: value };
  if (letter === "t" && Number.isFinite(value)) return { kind: "timestamp", timestampMs: value as number };
  if (letter === "m" && isString(value)) return { kind: "mark", name: value };
  if (letter === "e") return { kind: "earliest" };
  if (letter === "l") return { kind: "latest" };
  if (letter === "x") return { kind: "ended" };
  throw anotherVersion();
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function anotherVersion(): StreamError {
  return new StreamError("invalid-argument", "this bookmark was made by another version of streamport, or not by streamport");
}
