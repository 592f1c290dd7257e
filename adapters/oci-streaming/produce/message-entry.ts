import type { OutgoingRecord } from "../../../src/driver/index.ts";
import { FrameWriter, partitionKeyOf } from "../../../src/envelope/index.ts";
import { MOST_KEY_BYTES } from "../capabilities.ts";
import { ociError } from "../errors.ts";
import type { Envelope } from "../options.ts";

const NOT_BOUNDED = { maxBytes: Infinity, maxMessages: Infinity };

/** A message as `PutMessages` takes it, in base64. Without a key the service chooses any partition. */
export interface MessageEntry {
  readonly key?: string;
  readonly value: string;
}

/**
 * One message of the service, which packs these messages of one key.
 * @throws `invalid-argument` for a key that a raw message cannot have
 */
export function messageEntry(envelope: Envelope, messages: readonly OutgoingRecord[]): MessageEntry {
  const { key, value } = messages[0]!;
  if (envelope === "raw") {
    if (key !== null && !isServiceKey(key)) {
      const text = `the key of a raw message has 1 to ${MOST_KEY_BYTES} bytes; received ${key.length}`;
      throw ociError("invalid-argument", text);
    }
    return entryOf(key, value ?? new Uint8Array());
  }
  const serviceKey = key === null ? null : partitionKeyOf(key, isServiceKey);
  const writer = new FrameWriter(serviceKey, NOT_BOUNDED);
  for (const message of messages) writer.add(message);
  return entryOf(serviceKey, writer.finish());
}

function isServiceKey(key: Uint8Array): boolean {
  return key.length > 0 && key.length <= MOST_KEY_BYTES;
}

function entryOf(key: Uint8Array | null, value: Uint8Array): MessageEntry {
  return key === null ? { value: base64(value) } : { key: base64(key), value: base64(value) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
