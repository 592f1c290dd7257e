import { MemoryBroker } from "./broker.ts";

/**
 * The brokers that have a name, for all connections of the process. A broker keeps what it has while nobody is connected, as
 * a server does, until it is dropped. The one module-level state of the package.
 */
const brokers = new Map<string, MemoryBroker>();

/** The broker of this name; a new one when there is none. */
export function memoryBroker(name: string): MemoryBroker {
  let broker = brokers.get(name);
  if (broker === undefined) brokers.set(name, (broker = new MemoryBroker()));
  return broker;
}

/** Forgets the broker: the next connection of this name finds an empty one. Open connections keep the old one. */
export function dropMemoryBroker(name: string): void {
  brokers.delete(name);
}
