import type { CaseContext } from "../case-context.ts";

/**
 * Does a member learn that its partitions were taken without notice? Where the group leases records one by one (no partitions, or no
 * fencing) it may not: its handlers go on, and their late results count.
 */
export function knowsLosses({ capabilities }: CaseContext): boolean {
  return capabilities.partitions && capabilities.fencing;
}
