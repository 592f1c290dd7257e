import type * as leases from "../../../../src/leases/index.ts";

/** What the tests use of the engine: the sound one, or a mutant of it. */
export type Engine = Pick<typeof leases, "leaseConsumer" | "leaseAdmin" | "MemoryLeaseStore">;
