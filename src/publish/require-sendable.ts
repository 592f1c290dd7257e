import { isUtf8 } from "node:buffer";
import type { Capabilities, Capability } from "../capabilities.ts";
import type { ProducerDriver } from "../driver/producer-driver.ts";
import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import { requireWithinLimits } from "../record-limits.ts";
import { hasEscapedBytes } from "../text-bytes.ts";

/** Checks a complete message against the topic, once the driver is prepared. @throws `too-large` · `unsupported`, naming what is allowed */
export function requireSendable(message: OutgoingRecord & { readonly bytes: number }, driver: ProducerDriver): void {
  requireWithinCapabilities(message, driver.capabilities);
  requireWithinLimits(message, driver.limits);
}

/**
 * The capabilities of the provider were checked before the message was queued. A topic may have fewer: they are known once the producer is
 * prepared, and may change while it runs.
 * @param capabilities of the topic; `undefined`: those of the provider
 * @throws `unsupported`, naming what the record needs
 */
function requireWithinCapabilities(record: OutgoingRecord, capabilities: Capabilities | undefined): void {
  const missing = capabilities === undefined ? null : missingCapability(record, capabilities);
  if (missing !== null) throw unsupportedByTopic(missing);
}

/** The first capability that the record needs and that is not granted; `null`: it can be stored as it is. */
export function missingCapability(record: OutgoingRecord, granted: Capabilities): Capability | null {
  const { value, headers, timestampMs, toPartition } = record;
  if (!granted.producerTimestamps && timestampMs !== null) return "producerTimestamps";
  if (!granted.explicitPartition && toPartition !== undefined) return "explicitPartition";
  if (!granted.tombstones && value === null) return "tombstones";
  if (!granted.binaryKeys && hasBinaryKey(record)) return "binaryKeys";
  if (!granted.exactHeaders && !areTexts(headers)) return "exactHeaders";
  return null;
}

function hasBinaryKey({ key, keyText }: OutgoingRecord): boolean {
  if (key === null) return false;
  return key.length === 0 || (typeof keyText === "string" ? hasEscapedBytes(keyText) : !isUtf8(key));
}

export function unsupportedByTopic(capability: Capability): StreamError {
  return new StreamError("unsupported", `the settings of this topic turn off the capability ${capability}, which this message needs`, {
    capability,
  });
}

function areTexts(headers: HeaderList): boolean {
  if (headers.length === 0) return true;
  const names = new Set(headers.map(([name]) => name));
  return (
    names.size === headers.length && headers.every(([name, value]) => name !== "" && name.isWellFormed() && value !== null && isUtf8(value))
  );
}
