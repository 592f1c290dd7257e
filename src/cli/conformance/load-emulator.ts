import type { OpenedEmulator } from "../../conformance/index.ts";
import { UsageError } from "../process/exit-errors.ts";
import { loadFunction } from "../process/load-module.ts";

/** How the module of an emulator exports its opener, for messages and for the help. */
export const EMULATOR_RULE = "its export openEmulator, its default export, or its only function …Emulator";

/**
 * The emulator of an adapter outside this package, opened for a URL.
 * @param specifier a file, as a path from the working folder, or a package that is installed there
 * @throws `UsageError` if it cannot be loaded, or is no emulator
 */
export async function openEmulator(specifier: string, url: string): Promise<OpenedEmulator> {
  const open = await loadFunction(specifier, {
    option: "--emulator",
    name: "openEmulator",
    pattern: /Emulator$/,
    lacking: `has no opener, a function from a URL to an emulator: ${EMULATOR_RULE}`,
  });
  const emulator = await open(url);
  const lacking = isObject(emulator) ? lackingMembers(emulator) : "is no object";
  if (lacking !== null) throw new UsageError(`--emulator: what its opener returned ${lacking}`);
  return emulator as OpenedEmulator;
}

/** A module may be written in JavaScript. */
function lackingMembers(emulator: Readonly<Partial<Record<keyof OpenedEmulator, unknown>>>): string | null {
  const functions = (["createTopic", "inject"] as const).filter((name) => typeof emulator[name] !== "function");
  const missing = [...functions, ...(Array.isArray(emulator.faultKinds) ? [] : ["faultKinds"])];
  return missing.length === 0 ? null : `lacks ${missing.join(", ")}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
