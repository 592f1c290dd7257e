import { isUtf8 } from "node:buffer";
import type { Capabilities, Capability } from "../capabilities.ts";
import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";

/**
 * What the provider can do was asked before the message was queued; what this topic of it cannot is known once the producer is
 * prepared, and may change while it runs.
 * @param capabilities of the topic; `undefined`: those of the provider
 * @throws `unsupported`, naming what the record needs
 */
export function requireWithinCapabilities(record: OutgoingRecord, capabilities: Capabilities | undefined): void {
  if (capabilities === undefined) return;
  const { key, value, headers, timestampMs, toPartition } = record;
  if (!capabilities.producerTimestamps && timestampMs !== null) throw unsupported("producerTimestamps");
  if (!capabilities.explicitPartition && toPartition !== undefined) throw unsupported("explicitPartition");
  if (!capabilities.tombstones && value === null) throw unsupported("tombstones");
  if (!capabilities.binaryKeys && key !== null && (key.length === 0 || !isUtf8(key))) throw unsupported("binaryKeys");
  if (!capabilities.exactHeaders && !areTexts(headers)) throw unsupported("exactHeaders");
}

function unsupported(capability: Capability): StreamError {
  return new StreamError("unsupported", `the settings of this topic leave it without the capability ${capability}, which send needs here`, {
    capability,
  });
}

function areTexts(headers: HeaderList): boolean {
  const names = new Set(headers.map(([name]) => name));
  return (
    names.size === headers.length && headers.every(([name, value]) => name !== "" && name.isWellFormed() && value !== null && isUtf8(value))
  );
}
