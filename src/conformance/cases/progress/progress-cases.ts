import type { DefinedCase } from "../../case.ts";
import { progressAheadCases } from "./ahead.ts";
import { progressCompactedCases } from "./compacted.ts";
import { progressInheritedCases } from "./inherited.ts";
import { progressOwnershipCases } from "./ownership.ts";
import { progressStoredCases } from "./stored.ts";

export const progressCases: readonly DefinedCase[] = [
  ...progressAheadCases,
  ...progressInheritedCases,
  ...progressCompactedCases,
  ...progressOwnershipCases,
  ...progressStoredCases,
];
