import type { DefinedCase } from "../../case.ts";
import { producingBatchCases } from "./batch.ts";
import { producingCopiesCases } from "./copies.ts";
import { producingFlowCases } from "./flow.ts";
import { producingFlushCases } from "./flush.ts";
import { producingGrowthCases } from "./growth.ts";
import { producingReceiptsCases } from "./receipts.ts";
import { producingStreamCases } from "./stream.ts";
import { producingValuesCases } from "./values.ts";

export const producingCases: readonly DefinedCase[] = [
  ...producingBatchCases,
  ...producingCopiesCases,
  ...producingFlowCases,
  ...producingFlushCases,
  ...producingGrowthCases,
  ...producingReceiptsCases,
  ...producingStreamCases,
  ...producingValuesCases,
];
