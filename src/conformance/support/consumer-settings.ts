import type { ConsumerOptions } from "../../consume/consumer-types.ts";

/** So short that a case does not wait for it. */
export const QUICK_RETRY = { initialDelayMs: 1, maxDelayMs: 4 } as const satisfies ConsumerOptions["retry"];

/** Progress is stored when a member closes or loses a partition, and at no other time. */
export const RARE_COMMITS = { everyMs: 3_600_000, everyMessages: 1_000_000 } as const satisfies ConsumerOptions["commit"];
