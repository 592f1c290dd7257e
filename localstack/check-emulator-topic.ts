import { checkOptions, rules } from "../src/checked-options.ts";
import type { EmulatorTopic } from "./emulator.ts";

/** @throws `invalid-argument` */
export function checkEmulatorTopic(settings: EmulatorTopic): void {
  checkOptions("emulator topic", settings, {
    partitions: rules.positiveInteger,
    retentionMs: rules.positiveInteger,
    groups: rules.stringArray,
  });
}
