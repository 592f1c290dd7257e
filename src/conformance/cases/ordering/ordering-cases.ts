import type { DefinedCase } from "../../case.ts";
import { orderingFailedKeysCases } from "./failed-keys.ts";
import { orderingGivenUpCases } from "./given-up.ts";
import { orderingHandleCases } from "./handle.ts";
import { orderingKeysCases } from "./keys.ts";
import { orderingPublishCases } from "./publish.ts";

export const orderingCases: readonly DefinedCase[] = [
  ...orderingFailedKeysCases,
  ...orderingGivenUpCases,
  ...orderingHandleCases,
  ...orderingKeysCases,
  ...orderingPublishCases,
];
