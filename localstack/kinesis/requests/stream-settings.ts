/** The bounds of a stream's settings, from the quotas in the developer guide. */
export const LARGEST_RECORD_KIB = 10_240;
export const DEFAULT_RECORD_KIB = 1_024;
export const DEFAULT_RETENTION_HOURS = 24;
export const LONGEST_RETENTION_HOURS = 8_760;
/** A new on-demand stream has so many shards. */
export const ON_DEMAND_SHARDS = 4;
export const HOUR_MS = 3_600_000;
