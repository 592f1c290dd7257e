import type { CaseContext } from "../case-context.ts";

/**
 * Does a member learn that its partitions were taken without notice? Where the group leases records one by one (no partitions, or no
 * fencing) it may not: its handlers go on, and their late results count. So no case can demand `lost` in the unit `record`: a driver that never calls it, and
 * goes on with what is outstanding after every fault, keeps all promises. What the core makes of it there is in the core's own tests.
 */
export function knowsLosses({ capabilities }: CaseContext): boolean {
  return capabilities.partitions && capabilities.fencing;
}
