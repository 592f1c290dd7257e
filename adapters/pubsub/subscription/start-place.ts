import type { PartitionPlace, Place, StartPoint } from "../../../src/driver/index.ts";
import { pubsubError } from "../errors.ts";
import { PARTITION, type PubSubService } from "../service.ts";
import { type TopicFacts, requireRetention } from "../topic-directory.ts";

/** A place that the service can start at. */
export type StartPlace = Exclude<Place, { readonly kind: "at" | "after" }>;

/** @throws `unsupported` for a position: the service cannot start at one */
export function placeOf(topic: string, start: StartPoint): StartPlace {
  const place = placeIn(start);
  if (place.kind === "earliest" || place.kind === "latest" || place.kind === "timestamp" || place.kind === "mark") return place;
  throw pubsubError("unsupported", "Pub/Sub cannot start at a message: use earliest, latest, a time or a bookmark", {
    topic,
    capability: "startAtPosition",
  });
}

function placeIn(start: StartPoint): PartitionPlace {
  if (start.kind === "places") return start.places.get(PARTITION) ?? { kind: "earliest" };
  return start.kind === "position" ? start.place : start;
}

/** Where a new subscription does not stand by itself. */
export type SoughtPlace = Exclude<StartPlace, { readonly kind: "latest" }>;

/** @returns `null`: a new subscription stands there by itself, without a seek */
export function soughtBy({ googleEmulator }: PubSubService, place: StartPlace): SoughtPlace | null {
  return place.kind === "latest" || (googleEmulator && place.kind === "earliest") ? null : place;
}

/** @throws `unsupported` where no subscription of the topic can be put at this place */
export function requireStart({ googleEmulator }: PubSubService, topic: string, described: TopicFacts, { kind }: StartPlace): void {
  if (kind !== "latest") requireRetention(topic, described);
  if (!googleEmulator || kind === "earliest" || kind === "mark" || (kind === "latest" && described.retentionMs === null)) return;
  const what = kind === "latest" ? "the latest message of a topic with retention" : "a time";
  const text = `Google's emulator cannot start at ${what}: it gives a new subscription all that its topic retains, and moves none to a time`;
  throw pubsubError("unsupported", text, { topic, capability: "startAtTimestamp" });
}

/** As a label says it: 63 characters of a-z, 0-9, "_" and "-". */
export function labelOf(place: SoughtPlace): string {
  if (place.kind === "earliest") return "t0";
  if (place.kind === "timestamp") return `t${Math.max(0, Math.ceil(place.timestampMs))}`;
  return `s${place.name}`;
}
