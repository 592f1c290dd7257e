import { createHash } from "node:crypto";
import type { HeaderList } from "../../driver/record.ts";
import type { StoredTime } from "../../stored-time.ts";

/** What a copy must carry of a message. */
export interface CarriedContent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Without the provenance of the copy that is verified. */
  readonly headers: HeaderList;
  /** At the source. */
  readonly timestampMs: StoredTime;
}

const NULL = Buffer.from("-");
const SEPARATOR = Buffer.from([0]);

/**
 * 48 bits of a hash of the content and of where it comes from, so that a sum of them does not depend on the order.
 * @param keepsHeaderOrder whether the order of headers belongs to the content
 */
export function recordDigest(place: string, { key, value, headers, timestampMs }: CarriedContent, keepsHeaderOrder: boolean): number {
  const hash = createHash("sha1");
  hash.update(`${place}\0${timestampMs}\0${headers.length}\0`);
  const add = (bytes: Uint8Array | null): void => {
    hash.update(bytes === null ? NULL : String(bytes.length)).update(SEPARATOR);
    if (bytes !== null) hash.update(bytes);
  };
  add(key);
  add(value);
  const ordered = keepsHeaderOrder || headers.length < 2 ? headers : headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [name, content] of ordered) {
    add(Buffer.from(name));
    add(content);
  }
  return hash.digest().readUIntBE(0, 6);
}
