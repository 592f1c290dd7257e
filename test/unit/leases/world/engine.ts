import type { createConsumer } from "../../../../src/consume/consumer.ts";
import type * as leases from "../../../../src/leases/index.ts";

/** What the tests use of the engine: the sound one, or a mutant of it. */
export type Engine = Pick<typeof leases, "leaseConsumer" | "leaseAdmin" | "MemoryLeaseStore">;

/** The engine, and the core that it works for. */
export interface Stack {
  readonly engine: Engine;
  readonly createConsumer: typeof createConsumer;
}
