import { decodeBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { type TopicIdentity, unsealBookmark } from "../../position/position.ts";
import type { Bookmark } from "../../tokens.ts";

/** Where a bookmark stands, by partition, in the provider's own words: for people, who may compare them with other tools. */
export function placesOf(bookmark: Bookmark): ReadonlyMap<string, string> {
  const [provider, cluster, topic, incarnation] = unsealBookmark(bookmark) as [string, ...string[]];
  const identity = { cluster, topic, incarnation } as TopicIdentity;
  return placeTexts(decodeBookmark(bookmark, provider, identity));
}

/** As `placesOf`, of places that are no bookmark yet. */
export function placeTexts(places: ReadonlyMap<string, PartitionPlace>): ReadonlyMap<string, string> {
  return new Map([...places].map(([partition, place]) => [partition, placeText(place)]));
}

function placeText(place: PartitionPlace): string {
  switch (place.kind) {
    case "at":
    case "after":
      return `${place.kind} ${place.position}`;
    case "timestamp":
      return `from ${new Date(place.timestampMs).toISOString()}`;
    case "earliest":
    case "latest":
    case "ended":
      return place.kind;
  }
}
