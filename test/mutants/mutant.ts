import type { Connection } from "../../src/connection-types.ts";
import type { MemoryEmulatorOptions } from "../../localstack/memory-emulator.ts";
import type { Driver, ProviderDriver } from "../../src/driver/provider-driver.ts";
import { override } from "./override.ts";

/** Breaks what a connection is made of: the driver below the core, or what an application sees above it. */
interface Breakage {
  driver?(driver: Driver): Driver;
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

/** The same driver, whose connections get what `change` makes of theirs. */
export function overrideOpened(driver: Driver, change: (opened: ProviderDriver) => ProviderDriver): Driver {
  return override(driver, { open: (context) => change(driver.open(context)) });
}

/** A defect of the driver of a connection. */
export function driverMutant(name: string, breakDriver: () => (driver: ProviderDriver) => ProviderDriver): Mutant {
  return {
    name,
    break: () => {
      const change = breakDriver();
      return { driver: (driver) => overrideOpened(driver, change) };
    },
  };
}

/** A defect of the core, as an application would meet it. */
export function connectionMutant(name: string, breakConnection: () => (connection: Connection) => Connection): Mutant {
  return { name, break: () => ({ connection: breakConnection() }) };
}
