import type { DefinedCase } from "../../case.ts";
import { progressCompactedCases } from "./compacted.ts";
import { progressOwnershipCases } from "./ownership.ts";
import { progressStoredCases } from "./stored.ts";

export const progressCases: readonly DefinedCase[] = [...progressCompactedCases, ...progressOwnershipCases, ...progressStoredCases];
