import { decodePosition } from "../../position.ts";
import type { From, Until } from "../../replay/reader-types.ts";

/** A position speaks of one partition, which then need not be named again; `undefined` where none is given. @throws `invalid-argument` */
export function positionPartition(from: From, until?: Until): readonly string[] | undefined {
  const token = positionOf(from, "at") ?? positionOf(from, "after") ?? (until === undefined ? undefined : positionOf(until, "through"));
  return token === undefined ? undefined : [decodePosition(token).partition];
}

function positionOf(place: From | Until, name: "at" | "after" | "through"): string | undefined {
  return typeof place === "object" && name in place ? (place as Readonly<Record<string, string>>)[name] : undefined;
}
