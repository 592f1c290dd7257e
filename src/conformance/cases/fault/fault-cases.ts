import type { DefinedCase } from "../../case.ts";
import { faultNthCallCases } from "./nth-call.ts";

export const faultCases: readonly DefinedCase[] = [...faultNthCallCases];
