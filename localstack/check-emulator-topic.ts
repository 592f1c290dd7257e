import { StreamError } from "../src/errors.ts";
import { type OptionRule, checkOptions, describeValue, rules } from "../src/option-rules.ts";
import type { EmulatorTopic } from "./emulator.ts";

/**
 * Checks the settings of a topic, also for callers without type checks.
 * @param further settings that only topics of this provider have
 * @throws `invalid-argument`
 */
export function checkEmulatorTopic(name: string, settings: EmulatorTopic, further: Readonly<Record<string, OptionRule>> = {}): void {
  if (!rules.nonEmptyString.accepts(name)) {
    const needed = `the name of a topic must be ${rules.nonEmptyString.allowed}`;
    throw new StreamError("invalid-argument", `${needed}; received ${describeValue(name)}`);
  }
  checkOptions("emulator topic", settings, {
    partitions: rules.positiveInteger,
    retentionMs: rules.positiveInteger,
    groups: rules.stringArray,
    ...further,
  });
}
