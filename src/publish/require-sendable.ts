import type { ProducerDriver } from "../driver/producer-driver.ts";
import type { OutgoingRecord } from "../driver/record.ts";
import { requireWithinLimits } from "../record-limits.ts";
import { requireWithinCapabilities } from "./topic-capabilities.ts";

/** Of a message that is complete, once the driver is prepared. @throws `too-large` · `unsupported`, naming what is allowed */
export function requireSendable(message: OutgoingRecord & { readonly bytes: number }, driver: ProducerDriver): void {
  requireWithinCapabilities(message, driver.capabilities);
  requireWithinLimits(message, driver.limits);
}
