import type { EventDataBatch } from "@azure/event-hubs";
import type { OutgoingRecord } from "../../../src/driver/index.ts";
import type { BatchBuffers } from "./batch-buffers.ts";
import { batchMessage } from "./batch-message.ts";
import { outgoingEvent } from "./outgoing-event.ts";

/** The part of a batch that its types do not show. */
interface Inner {
  /** What the SDK sends. */
  readonly _generateMessage?: () => unknown;
}

const LONG_VALUE = Buffer.alloc(300, 0x2e);
const SAMPLES: readonly OutgoingRecord[] = [
  { key: Buffer.from("a key"), value: LONG_VALUE, headers: [["name", Buffer.from("value")]], timestampMs: null, toPartition: undefined },
  { key: null, value: null, headers: [], timestampMs: null, toPartition: undefined },
];

/**
 * Tries on an empty batch, which is used up by it, whether the SDK sends what `batchMessage` writes. It does not where it has other parts inside, or adds to
 * the events, as it does when they are traced.
 */
export function takesOwnMessages(batch: EventDataBatch): boolean {
  try {
    if (!SAMPLES.every((record) => batch.tryAdd(outgoingEvent(record)))) return false;
    const message = (batch as Inner)._generateMessage?.();
    return message instanceof Uint8Array && batchMessage(SAMPLES).equals(message);
  } catch {
    return false;
  }
}

/** To be called once the service has stored the batch, and not otherwise: the SDK may send a batch later that it was to give up. */
export type OnStored = () => void;

/**
 * Puts all records into an empty batch.
 * @param buffers for the message that is written here; `null`: the SDK writes its own, see `takesOwnMessages`
 * @returns `null`: they are larger than the batch may be
 */
export function fillBatch(batch: EventDataBatch, records: readonly OutgoingRecord[], buffers: BatchBuffers | null): OnStored | null {
  if (buffers === null) return records.every((record) => batch.tryAdd(outgoingEvent(record))) ? () => undefined : null;
  let buffer: Buffer | null = null;
  const message = batchMessage(records, (length) => (buffer = buffers.take(length)));
  const giveBack = (): void => {
    if (buffer !== null) buffers.giveBack(buffer);
    buffer = null;
  };
  if (message.length > batch.maxSizeInBytes) {
    giveBack();
    return null;
  }
  Object.defineProperties(batch, {
    count: { value: records.length },
    sizeInBytes: { value: message.length },
    _generateMessage: { value: () => message },
  });
  return giveBack;
}
