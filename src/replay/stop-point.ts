import { toMilliseconds } from "../checked-options.ts";
import type { StopPoint } from "../driver/reader-driver.ts";
import type { Place } from "../driver/record.ts";
import { unsealBookmark } from "../position.ts";
import { decodeBookmark } from "./bookmark.ts";
import { type CheckedPoint, type PlaceContext, checkedPosition, readForm } from "./place-forms.ts";

/**
 * Checks an `Until` without asking the provider; absent means for ever.
 * @param partitions those of the range; `null`: all
 * @throws `invalid-argument` · `position-mismatch` (another provider) · `unsupported` (`startAtPosition`, `startAtTimestamp`, `endAtBookmark`)
 */
export function checkUntil(until: unknown, partitions: readonly string[] | null, context: PlaceContext): CheckedPoint<StopPoint> {
  if (until === undefined) return { resolve: async () => null };
  const form = readForm("until", until, ["now"], ["timestamp", "bookmark", "through"]);
  if (typeof form === "string") return { resolve: async () => ({ kind: form }) };
  if (form.name === "timestamp") {
    context.requireCapability("startAtTimestamp");
    const timestampMs = toMilliseconds(form.value as Date | number);
    return { resolve: async () => ({ kind: "timestamp", timestampMs }) };
  }
  if (form.name === "bookmark") {
    context.requireCapability("endAtBookmark");
    unsealBookmark(form.value);
    return {
      resolve: async (identity) => ({ kind: "places", places: decodeBookmark(form.value, context.provider, await identity()) }),
    };
  }
  const position = checkedPosition("until: { through }", form.value, partitions, context);
  return {
    resolve: async (identity) => {
      const parts = await position.resolve(identity);
      const place: Place = { kind: "after", position: parts.position };
      return { kind: "places", places: new Map([[parts.partition, place]]) };
    },
  };
}
