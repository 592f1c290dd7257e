import { toMilliseconds } from "../option-rules.ts";
import { decodeBookmark } from "./bookmark.ts";
import type { StartPoint } from "./place.ts";
import { type CheckedPoint, type PlaceContext, checkedPosition, readForm } from "./place-forms.ts";
import { unsealBookmark } from "./position.ts";

/**
 * Checks a `From` without a call to the provider.
 * @param where the name that the caller knows: `from`, `initialPosition`
 * @param from of type `From`, which may come from JavaScript
 * @param partitions those that the application named; `null`: none, then a position means its own partition
 * @throws `invalid-argument` · `position-mismatch` (another provider) · `unsupported` (`startAtPosition`, `startAtTimestamp`)
 */
export function checkFrom(
  where: string,
  from: unknown,
  partitions: readonly string[] | null,
  context: PlaceContext,
): CheckedPoint<StartPoint> {
  const form = readForm(where, from, ["earliest", "latest"], ["timestamp", "bookmark", "at", "after"]);
  if (typeof form === "string") return { partition: null, resolve: async () => ({ kind: form }) };
  if (form.name === "timestamp") {
    context.requireCapability("startAtTimestamp");
    const timestampMs = toMilliseconds(form.value as Date | number);
    return { partition: null, resolve: async () => ({ kind: "timestamp", timestampMs }) };
  }
  if (form.name === "bookmark") {
    unsealBookmark(form.value);
    return {
      partition: null,
      resolve: async (identity) => ({ kind: "places", places: decodeBookmark(form.value, context.provider, await identity()) }),
    };
  }
  const kind = form.name;
  const position = checkedPosition(`${where}: { ${kind} }`, form.value, partitions, context);
  return {
    partition: position.partition,
    resolve: async (identity) => {
      const { partition, position: own } = await position.resolve(identity);
      return { kind: "position", partition, place: { kind, position: own } };
    },
  };
}
