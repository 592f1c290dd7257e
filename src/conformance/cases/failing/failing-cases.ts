import type { DefinedCase } from "../../case.ts";
import { failingActionsCases } from "./actions.ts";
import { failingCorruptCases } from "./corrupt.ts";
import { failingDeadLetterCases } from "./dead-letter.ts";
import { failingHandlersCases } from "./handlers.ts";
import { failingUnreadableCases } from "./unreadable.ts";

export const failingCases: readonly DefinedCase[] = [
  ...failingActionsCases,
  ...failingCorruptCases,
  ...failingDeadLetterCases,
  ...failingHandlersCases,
  ...failingUnreadableCases,
];
