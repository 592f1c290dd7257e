import { StreamError } from "../src/errors.ts";
import { checkOptions, describeValue, rules, showName } from "../src/option-rules.ts";
import type { Emulator, EmulatorOptions } from "./emulator.ts";
import { inProcessProviders } from "./in-process.ts";

/** Providers that have an emulator, or will have one. */
const PROVIDERS = ["memory", "kafka", "kinesis", "event-hubs", "pubsub", "oci-streaming"] as const;

export type EmulatedProvider = (typeof PROVIDERS)[number];

const LARGEST_PORT = 65_535;

/**
 * Starts the provider in this process, on a free port of 127.0.0.1. It needs no Docker, no Java and no account.
 * @throws `configuration` (no such provider; the port is taken) · `unsupported` (its emulator is not part of this version) · `invalid-argument`
 */
export async function startEmulator(provider: EmulatedProvider, options: EmulatorOptions = {}): Promise<Emulator> {
  const start = Object.hasOwn(inProcessProviders, provider) ? inProcessProviders[provider] : undefined;
  if (start === undefined) throw noEmulator(provider);
  checkOptions("emulator options", options, {
    topics: rules.object,
    port: {
      allowed: `an integer from 0 to ${LARGEST_PORT}`,
      accepts: (port) => rules.nonNegativeInteger.accepts(port) && (port as number) <= LARGEST_PORT,
    },
  });
  return start(options);
}

function noEmulator(provider: string): StreamError {
  const there = Object.keys(inProcessProviders).join(", ");
  // A caller without type checks may pass this.
  if (typeof provider !== "string") {
    return new StreamError("configuration", `a provider must be named; received ${describeValue(provider)}; there are ${there}`);
  }
  if (!(PROVIDERS as readonly string[]).includes(provider)) {
    return new StreamError("configuration", `there is no provider ${showName(provider)} that could be emulated; there are ${there}`);
  }
  return new StreamError("unsupported", `the emulator of ${provider} is not part of this version; there are ${there}`, { provider });
}
