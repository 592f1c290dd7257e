import type { DefinedCase } from "../../case.ts";
import { errorArgumentsCases } from "./arguments.ts";
import { errorCallsCases } from "./calls.ts";
import { errorCopiesCases } from "./copies.ts";
import { errorLostConnectionCases } from "./lost-connection.ts";
import { errorOutcomesCases } from "./outcomes.ts";

export const errorCases: readonly DefinedCase[] = [
  ...errorArgumentsCases,
  ...errorCallsCases,
  ...errorCopiesCases,
  ...errorLostConnectionCases,
  ...errorOutcomesCases,
];
