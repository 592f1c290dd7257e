import { channels } from "./diagnostics/channels.ts";
import type { DriverReport, Report } from "./driver/report.ts";

const CHANNEL_OF = { call: channels.call, retry: channels.retry, throttle: channels.throttle, warning: channels.warning } as const;

/** The `report` function that an adapter is opened with: adds the provider and publishes on the channel of that kind. */
export function createReport(provider: string): Report {
  const report = (event: DriverReport): void => {
    const topic = event.topic ?? null;
    switch (event.kind) {
      case "call":
        channels.call.publish({
          provider,
          topic,
          operation: event.operation,
          bytes: event.bytes,
          messages: event.messages ?? null,
          durationMs: event.durationMs ?? null,
        });
        return;
      case "retry":
        channels.retry.publish({ provider, topic, operation: event.operation, error: event.error, delayMs: event.delayMs });
        return;
      case "throttle":
        channels.throttle.publish({ provider, topic, operation: event.operation, delayMs: event.delayMs });
        return;
      case "warning":
        channels.warning.publish({ provider, topic, text: event.text });
    }
  };
  return Object.assign(report, { wants: (kind: DriverReport["kind"]) => CHANNEL_OF[kind].hasSubscribers });
}
