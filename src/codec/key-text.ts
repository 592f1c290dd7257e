import type { StoredRecord } from "../driver/record.ts";
import { bytesToText } from "../text-bytes.ts";

/** The key of a record as text. A record may decode its key at each look, so it is looked at once. */
export function keyTextOf(record: Pick<StoredRecord, "key" | "keyText">): string | null {
  const { keyText } = record;
  if (keyText !== undefined) return keyText;
  const { key } = record;
  return key === null ? null : bytesToText(key);
}
