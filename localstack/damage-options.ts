import { checkOptions, rules } from "../src/option-rules.ts";

export interface DamageOptions {
  /** How often the damaged bytes are handed out before sound ones are, as after damage on the way. @default always */
  times?: number | undefined;
}

/** @returns how often the damage shows. @throws `invalid-argument` */
export function looksOf(options: DamageOptions = {}): number {
  checkOptions("damage options", options, { times: rules.positiveInteger });
  return options.times ?? Infinity;
}
