import type { DefinedCase } from "./case.ts";
import { publishOrderCases } from "./cases/ordering-publish.ts";
import { replayRangeCases } from "./cases/replay-range.ts";
import { groupStartCases } from "./cases/group-start.ts";
import { consumeMessageCases } from "./cases/consume-messages.ts";
import { closeProducerCases } from "./cases/close-producer.ts";
import { errorArgumentCases } from "./cases/error-arguments.ts";
import { limitCases } from "./cases/limit-sizes.ts";

/** Every case of the suite. Names are unique. */
export function conformanceCases(): readonly DefinedCase[] {
  return [
    ...publishOrderCases,
    ...replayRangeCases,
    ...groupStartCases,
    ...consumeMessageCases,
    ...closeProducerCases,
    ...errorArgumentCases,
    ...limitCases,
  ];
}
