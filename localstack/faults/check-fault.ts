import type { Fault } from "../../src/driver/index.ts";
import { checkOptions, rules } from "../../src/option-rules.ts";

const OPERATIONS = ["publish", "fetch", "commit", "admin"] as const;

/** Checks everything but the kind, which the provider checks. @throws `invalid-argument` */
export function checkFault(fault: Fault): void {
  checkOptions("fault", fault, {
    kind: rules.nonEmptyString,
    after: rules.nonNegativeInteger,
    times: { allowed: "a positive integer, or Infinity", accepts: (times) => times === Infinity || rules.positiveInteger.accepts(times) },
    durationMs: rules.durationMs,
    topic: rules.nonEmptyString,
    partition: rules.nonEmptyString,
    operation: {
      allowed: OPERATIONS.map((operation) => `"${operation}"`).join(", "),
      accepts: (operation) => (OPERATIONS as readonly unknown[]).includes(operation),
    },
  });
}
