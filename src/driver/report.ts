import type { StreamError } from "../errors.ts";

/**
 * What an adapter reports besides its results. The core adds the provider and publishes it on the diagnostics
 * channels `streamport:call`, `streamport:retry`, `streamport:throttle` and `streamport:warning`.
 *
 * - `call`: a request was made. `operation` in the provider's own words (`Produce`, `PutRecords`), so that cost can be counted.
 * - `retry`: the driver will repeat a request by itself (polling, joining; never a publish).
 * - `throttle`: the service asked for less.
 * - `warning`: something an operator should know; text without payloads, keys or credentials.
 */
export type DriverReport =
  | {
      readonly kind: "call";
      readonly operation: string;
      readonly topic?: string | undefined;
      readonly bytes: number;
      readonly messages?: number | undefined;
      readonly durationMs?: number | undefined;
    }
  | {
      readonly kind: "retry";
      readonly operation: string;
      readonly topic?: string | undefined;
      readonly error: StreamError;
      readonly delayMs: number;
    }
  | { readonly kind: "throttle"; readonly operation: string; readonly topic?: string | undefined; readonly delayMs: number | null }
  | { readonly kind: "warning"; readonly topic?: string | undefined; readonly text: string };

/** Publishes a report. `wants` is false without a subscriber: check it before building a report on a hot path. */
export interface Report {
  (report: DriverReport): void;
  wants(kind: DriverReport["kind"]): boolean;
}
