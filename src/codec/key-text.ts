import type { StoredRecord } from "../driver/record.ts";
import { bytesToText } from "../text-bytes.ts";

/** The key of a record as text. A record may decode its key at each look, so it is looked at once. */
export function keyTextOf({ key }: Pick<StoredRecord, "key">): string | null {
  return key === null ? null : bytesToText(key);
}
