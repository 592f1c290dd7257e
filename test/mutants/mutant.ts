import type { Connection } from "../../src/connection-types.ts";
import type { MemoryEmulatorOptions } from "../../localstack/memory-emulator.ts";
import type { ProviderDriver } from "../../src/driver/provider-driver.ts";

/** Breaks what a connection is made of: the driver below the core, or what an application sees above it. */
interface Breakage {
  driver?(driver: ProviderDriver): ProviderDriver;
  connection?(connection: Connection): Connection;
}

/**
 * A deliberate defect that a conformance case must catch. `break` is called once for each run of a case, so that what a
 * defect remembers is shared by the connections of that case and by nothing else.
 */
export interface Mutant {
  readonly name: string;
  /** The form of the memory provider in which the defect can show. @default its own */
  readonly like?: MemoryEmulatorOptions["like"];
  break(): Breakage;
}

/** A defect of the driver. */
export function driverMutant(name: string, breakDriver: () => (driver: ProviderDriver) => ProviderDriver): Mutant {
  return { name, break: () => ({ driver: breakDriver() }) };
}

/** A defect of the core, as an application would meet it. */
export function connectionMutant(name: string, breakConnection: () => (connection: Connection) => Connection): Mutant {
  return { name, break: () => ({ connection: breakConnection() }) };
}
