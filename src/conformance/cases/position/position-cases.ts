import type { DefinedCase } from "../../case.ts";
import { positionEndCases } from "./end.ts";
import { positionStartCases } from "./start.ts";
import { positionTokenCases } from "./token.ts";

export const positionCases: readonly DefinedCase[] = [...positionEndCases, ...positionStartCases, ...positionTokenCases];
