import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { StoredAhead } from "./lease-row.ts";

/** Positions are long, and most of each is as in the one before it: of many of them about a tenth is stored. */
const PACKED = "deflated ";
const PACKED_FROM_CHARACTERS = 512;

/** What is handled ahead, as the text of a row: JSON, packed where it is long. */
export function aheadText(ahead: StoredAhead): string {
  const json = JSON.stringify(ahead);
  return json.length < PACKED_FROM_CHARACTERS ? json : PACKED + deflateRawSync(json).toString("base64");
}

/** @returns `null` for a text that `aheadText` did not make: another version or another client has written it, and what it names comes again */
export function parseAhead(text: string): StoredAhead | null {
  try {
    const json = text.startsWith(PACKED) ? inflateRawSync(Buffer.from(text.slice(PACKED.length), "base64")).toString() : text;
    const ahead = JSON.parse(json) as unknown;
    return isStoredAhead(ahead) ? ahead : null;
  } catch {
    return null;
  }
}

function isStoredAhead(value: unknown): value is StoredAhead {
  const { of, upTo, except } = (value ?? {}) as Partial<StoredAhead>;
  return (
    typeof of === "string" &&
    typeof upTo === "string" &&
    Array.isArray(except) &&
    except.every((position: unknown) => typeof position === "string")
  );
}
