import type { Limits } from "./capabilities.ts";
import type { CallShape } from "./driver/producer-driver.ts";
import type { HeaderList, OutgoingRecord } from "./driver/record.ts";
import { StreamError } from "./errors.ts";
import { showName } from "./option-rules.ts";

type MeasuredRecord = Pick<OutgoingRecord, "key" | "headers"> & { readonly bytes: number };

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

/** @throws `too-large`, naming what was received and what is allowed · `unsupported` for headers where a topic has none */
export function requireWithinLimits(record: MeasuredRecord, limits: Limits): void {
  const error = limitError(record, limits);
  if (error !== null) throw error;
}

export function isWithinLimits(record: MeasuredRecord, limits: Limits): boolean {
  return limitError(record, limits) === null;
}

function limitError({ key, headers, bytes }: MeasuredRecord, limits: Limits): StreamError | null {
  if (key !== null && key.byteLength > limits.keyBytes) {
    return new StreamError("too-large", `the key has ${key.byteLength} bytes; allowed are ${limits.keyBytes}`);
  }
  const ofHeaders = headers.length === 0 ? null : headersError(headers, limits);
  if (ofHeaders !== null) return ofHeaders;
  if (bytes > limits.messageBytes) {
    return new StreamError(
      "too-large",
      `the message has ${bytes} bytes as the provider counts them (key, value and headers); allowed are ${limits.messageBytes}`,
    );
  }
  return null;
}

function headersError(headers: HeaderList, limits: Limits): StreamError | null {
  const { headerCount = Infinity, headerNameBytes = Infinity, headerValueBytes = Infinity } = limits;
  if (headerCount === 0) {
    const text = `the message has ${headers.length} headers; this topic has no headers, neither native ones nor an envelope for them`;
    return new StreamError("unsupported", text, { capability: "nativeHeaders" });
  }
  const bytes = headerBytes(headers);
  if (bytes > limits.headerBytes) {
    return new StreamError("too-large", `the headers have ${bytes} bytes, names included; allowed are ${limits.headerBytes}`);
  }
  if (headers.length > headerCount) {
    return new StreamError("too-large", `the message has ${headers.length} headers; allowed are ${headerCount}`);
  }
  if (headerNameBytes === Infinity && headerValueBytes === Infinity) return null;
  for (const [name, value] of headers) {
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > headerNameBytes) {
      return new StreamError("too-large", `the header name ${showName(name)} has ${nameBytes} bytes; allowed are ${headerNameBytes}`);
    }
    if (value !== null && value.byteLength > headerValueBytes) {
      return new StreamError(
        "too-large",
        `the value of header ${showName(name)} has ${value.byteLength} bytes; allowed are ${headerValueBytes}`,
      );
    }
  }
  return null;
}
