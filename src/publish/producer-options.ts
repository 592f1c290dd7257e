import { type OptionRule, checkOptions, oneOf, rules, withDefaults } from "../option-rules.ts";
import type { ProducerOptions } from "./producer-types.ts";

const ALLOWED: Readonly<Record<keyof ProducerOptions, OptionRule>> = {
  maxBufferedBytes: rules.positiveInteger,
  lingerMs: rules.durationMs,
  deliveryTimeoutMs: rules.durationMs,
  retry: rules.object,
  onKeyFailure: oneOf("continue", "hold"),
  messageIds: rules.boolean,
};

/** Every option of a producer with its value. */
export interface ResolvedProducerOptions {
  readonly maxBufferedBytes: number;
  readonly lingerMs: number;
  readonly deliveryTimeoutMs: number;
  readonly retry: { readonly initialDelayMs: number; readonly maxDelayMs: number };
  readonly onKeyFailure: "continue" | "hold";
  readonly messageIds: boolean;
}

/** @throws `invalid-argument` for an unknown option or a value of the wrong type */
export function resolveProducerOptions(options: ProducerOptions = {}): ResolvedProducerOptions {
  checkOptions("producer options", options, ALLOWED);
  const retry = options.retry ?? {};
  checkOptions("producer options: retry", retry, { initialDelayMs: rules.durationMs, maxDelayMs: rules.durationMs });
  return {
    ...withDefaults(options, {
      maxBufferedBytes: 33_554_432,
      lingerMs: 0,
      deliveryTimeoutMs: 120_000,
      onKeyFailure: "continue" as const,
      messageIds: false,
    }),
    retry: withDefaults(retry, { initialDelayMs: 100, maxDelayMs: 10_000 }),
  };
}
