import type { DefinedCase } from "./case.ts";
import { publishOrderCases } from "./cases/ordering-publish.ts";

/** Every case of the suite. Names are unique. */
export function conformanceCases(): readonly DefinedCase[] {
  return [...publishOrderCases];
}
