import { toMilliseconds } from "../option-rules.ts";
import { decodeBookmark } from "./bookmark.ts";
import type { Place, StopPoint } from "./place.ts";
import { type CheckedPoint, type PlaceContext, checkedPosition, readForm } from "./place-forms.ts";
import { unsealBookmark } from "./position.ts";

/**
 * Checks an `Until` without a call to the provider; absent means without an end.
 * @param partitions those that the application named; `null`: none, then a position means its own partition
 * @throws `invalid-argument` · `position-mismatch` (another provider) · `unsupported` (`startAtPosition`, `startAtTimestamp`, `endAtBookmark`)
 */
export function checkUntil(until: unknown, partitions: readonly string[] | null, context: PlaceContext): CheckedPoint<StopPoint> {
  if (until === undefined) return { partition: null, resolve: async () => null };
  const form = readForm("until", until, ["now"], ["timestamp", "bookmark", "through"]);
  if (typeof form === "string") return { partition: null, resolve: async () => ({ kind: form }) };
  if (form.name === "timestamp") {
    context.requireCapability("startAtTimestamp");
    const timestampMs = toMilliseconds(form.value as Date | number);
    return { partition: null, resolve: async () => ({ kind: "timestamp", timestampMs }) };
  }
  if (form.name === "bookmark") {
    context.requireCapability("endAtBookmark");
    unsealBookmark(form.value);
    return {
      partition: null,
      resolve: async (identity) => ({ kind: "places", places: decodeBookmark(form.value, context.provider, await identity()) }),
    };
  }
  const position = checkedPosition("until: { through }", form.value, partitions, context);
  return {
    partition: position.partition,
    resolve: async (identity) => {
      const parts = await position.resolve(identity);
      const place: Place = { kind: "after", position: parts.position };
      return { kind: "places", places: new Map([[parts.partition, place]]) };
    },
  };
}
