import type { DefinedCase } from "./case.ts";
import { closeCases } from "./cases/close/close-cases.ts";
import { consumeCases } from "./cases/consume/consume-cases.ts";
import { errorCases } from "./cases/error/error-cases.ts";
import { failingCases } from "./cases/failing/failing-cases.ts";
import { faultCases } from "./cases/fault/fault-cases.ts";
import { groupCases } from "./cases/group/group-cases.ts";
import { historyCases } from "./cases/history/history-cases.ts";
import { lifecycleCases } from "./cases/lifecycle/lifecycle-cases.ts";
import { limitCases } from "./cases/limit/limit-cases.ts";
import { orderingCases } from "./cases/ordering/ordering-cases.ts";
import { positionCases } from "./cases/position/position-cases.ts";
import { producingCases } from "./cases/producing/producing-cases.ts";
import { progressCases } from "./cases/progress/progress-cases.ts";
import { replayCases } from "./cases/replay/replay-cases.ts";
import { topicCases } from "./cases/topic/topic-cases.ts";

/** Every case of the suite. Names are unique: a name is the path of the file in `cases/`, and a last part of its own. */
export function conformanceCases(): readonly DefinedCase[] {
  return [
    ...producingCases,
    ...orderingCases,
    ...consumeCases,
    ...progressCases,
    ...failingCases,
    ...groupCases,
    ...topicCases,
    ...replayCases,
    ...positionCases,
    ...closeCases,
    ...errorCases,
    ...limitCases,
    ...lifecycleCases,
    ...faultCases,
    ...historyCases,
  ];
}
