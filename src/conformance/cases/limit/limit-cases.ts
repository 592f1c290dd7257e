import type { DefinedCase } from "../../case.ts";
import { limitExactCases } from "./exact.ts";
import { limitLargestCases } from "./largest.ts";

export const limitCases: readonly DefinedCase[] = [...limitExactCases, ...limitLargestCases];
