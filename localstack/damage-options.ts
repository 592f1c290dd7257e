import { checkOptions, rules } from "../src/option-rules.ts";

export interface DamageOptions {
  /** How many reads get the damaged bytes before later reads get the sound ones, as after damage in transit. @default every read */
  times?: number | undefined;
}

/** @returns how many reads get the damaged bytes. @throws `invalid-argument` */
export function damagedReadsOf(options: DamageOptions = {}): number {
  checkOptions("damage options", options, { times: rules.positiveInteger });
  return options.times ?? Infinity;
}
