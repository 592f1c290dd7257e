import type { Limits } from "./capabilities.ts";
import type { CallShape } from "./driver/producer-driver.ts";
import type { HeaderList, OutgoingRecord } from "./driver/record.ts";
import { StreamError } from "./errors.ts";

/** Names and values together; a byte of a name that is not UTF-8 counts as three. */
export function headerBytes(headers: HeaderList): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += Buffer.byteLength(name) + (value?.byteLength ?? 0);
  return bytes;
}

/** Size of a record as the provider counts it. */
export function recordBytes(key: Uint8Array | null, value: Uint8Array | null, headers: HeaderList, shape: CallShape): number {
  const bytes = shape.recordOverheadBytes + (key === null ? 0 : key.byteLength) + (value === null ? 0 : value.byteLength);
  return headers.length === 0 ? bytes : bytes + headerBytes(headers) + headers.length * shape.headerOverheadBytes;
}

/** @throws `too-large`, naming what is allowed */
export function requireWithinLimits(record: OutgoingRecord & { readonly bytes: number }, limits: Limits): void {
  if (record.key !== null && record.key.byteLength > limits.keyBytes) {
    throw new StreamError("too-large", `the key has ${record.key.byteLength} bytes; allowed are ${limits.keyBytes}`);
  }
  if (record.headers.length > 0) {
    const bytes = headerBytes(record.headers);
    if (bytes > limits.headerBytes) {
      throw new StreamError("too-large", `the headers have ${bytes} bytes, names included; allowed are ${limits.headerBytes}`);
    }
  }
  if (record.bytes > limits.messageBytes) {
    throw new StreamError(
      "too-large",
      `the message has ${record.bytes} bytes as the provider counts them (key, value and headers); allowed are ${limits.messageBytes}`,
    );
  }
}
