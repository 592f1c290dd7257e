import type { DefinedCase } from "../../case.ts";
import { consumeBatchesCases } from "./batches.ts";
import { consumeFlowCases } from "./flow.ts";
import { consumeLagCases } from "./lag.ts";
import { consumeMessagesCases } from "./messages.ts";
import { consumeSessionsCases } from "./sessions.ts";

export const consumeCases: readonly DefinedCase[] = [
  ...consumeBatchesCases,
  ...consumeFlowCases,
  ...consumeLagCases,
  ...consumeMessagesCases,
  ...consumeSessionsCases,
];
