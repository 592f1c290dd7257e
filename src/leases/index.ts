/** Groups for services without usable ones: partition ownership over a compare-and-set store. See `adapters/README.md`. */
export { leaseConsumer } from "./lease-consumer.ts";
export type { LeaseGroupParts } from "./lease-consumer.ts";
export { leaseAdmin } from "./lease-admin.ts";
export type { LeaseAdmin, LeaseGroupDescription, LeaseProgress } from "./lease-admin.ts";
export type { LeaseStore } from "./lease-store.ts";
export type { StoreAccess } from "./bounded-store.ts";
export type { GroupMove, GroupRow, Held, LeaseRow, StoredAhead, Version } from "./lease-row.ts";
export { groupColumns, groupRowOf, leaseColumns, leaseRowOf } from "./row-columns.ts";
export type { Columns } from "./row-columns.ts";
export { MemoryLeaseStore } from "./memory-lease-store.ts";
export { systemClock } from "./clock.ts";
export type { Clock } from "./clock.ts";
export type { CursorRequest, Fetched, PartitionCursor, PartitionSource, TopicShape } from "../adapter-kit/partition-source.ts";
