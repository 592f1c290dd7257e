import { MemoryBroker } from "./broker.ts";

/**
 * The brokers that have a name, for all connections of the process. A broker keeps its data while no client is connected, as
 * a server does, until it is dropped. This is the only module-level state of the package.
 */
const brokers = new Map<string, MemoryBroker>();

/** The broker of this name. It is created if it does not exist. */
export function memoryBroker(name: string): MemoryBroker {
  let broker = brokers.get(name);
  if (broker === undefined) brokers.set(name, (broker = new MemoryBroker()));
  return broker;
}

/** Drops the broker: the next connection of this name gets an empty one. Open connections keep the old one. */
export function dropMemoryBroker(name: string): void {
  brokers.delete(name);
}
