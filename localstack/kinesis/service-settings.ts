import type { Account } from "./account.ts";
import type { ServiceTimes } from "./requests/handler.ts";
import type { RateLimitOptions } from "./server/rate-limits.ts";

/** The options of the emulator with all defaults. */
export interface ServiceSettings {
  readonly account: Account;
  readonly times: ServiceTimes;
  readonly rates: RateLimitOptions;
  /** By access key; null: all keys are accepted. */
  readonly secrets: ReadonlyMap<string, string> | null;
  /** In the URL. */
  readonly pollMs: number;
  readonly latencyMs: number;
  readonly clockSkewMs: number;
  readonly shardLimit: number;
  readonly firstFaultTurn: number;
  readonly staleReadMs: number;
}
