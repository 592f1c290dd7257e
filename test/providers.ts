import { registry } from "../adapters/registry.ts";

/** Those with an adapter in this version, in the order of every list. */
export const availableProviders: readonly string[] = Object.keys(registry).filter((provider) => registry[provider] !== null);

/** Those without one, which `connect` refuses. */
export const plannedProviders: readonly string[] = Object.keys(registry).filter((provider) => registry[provider] === null);
