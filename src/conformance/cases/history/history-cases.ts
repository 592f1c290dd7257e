import type { DefinedCase } from "../../case.ts";
import { historyRandomCases } from "./random.ts";

export const historyCases: readonly DefinedCase[] = [...historyRandomCases];
