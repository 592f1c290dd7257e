import { decodeBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { type TopicIdentity, unsealBookmark } from "../../position/position.ts";
import type { Bookmark } from "../../tokens.ts";

/** The places of a bookmark by partition, in the terms of the provider, so that people can compare them with other tools. */
export function placesOf(bookmark: Bookmark): ReadonlyMap<string, string> {
  const [provider, cluster, topic, incarnation] = unsealBookmark(bookmark) as [string, ...string[]];
  const identity = { cluster, topic, incarnation } as TopicIdentity;
  return placeTexts(decodeBookmark(bookmark, provider, identity));
}

/** As `placesOf`, for places that are not a bookmark yet. */
export function placeTexts(places: ReadonlyMap<string, PartitionPlace>): ReadonlyMap<string, string> {
  return new Map([...places].map(([partition, place]) => [partition, placeText(place)]));
}

function placeText(place: PartitionPlace): string {
  switch (place.kind) {
    case "at":
    case "after":
      return `${place.kind} ${place.position}`;
    case "mark":
      return `mark ${place.name}`;
    case "timestamp":
      return `from ${new Date(place.timestampMs).toISOString()}`;
    case "earliest":
    case "latest":
    case "ended":
      return place.kind;
  }
}

/**
 * A hint about a native group that has no name here.
 * @param hasNamesake a listed group has the same name
 */
export function nativeGroupText(native: string, hasNamesake: boolean): string {
  const name = JSON.stringify(native);
  const other = hasNamesake ? ", which is not the group of that name" : "";
  return `There is a native group of the name ${name} on this topic${other}: map it by \`groups\` to use it here (in the URL: ?group.NAME=${encodeURIComponent(native)}).`;
}
