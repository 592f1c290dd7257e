import type { DefinedCase } from "../../case.ts";
import { replayBookmarkCases } from "./bookmark.ts";
import { replayFaultCases } from "./fault.ts";
import { replayForEverCases } from "./for-ever.ts";
import { replayIsolationCases } from "./isolation.ts";
import { replayRangeCases } from "./range.ts";
import { replayReadingCases } from "./reading.ts";
import { replayReshardCases } from "./reshard.ts";
import { replayRetentionCases } from "./retention.ts";
import { replayTimeCases } from "./time.ts";

export const replayCases: readonly DefinedCase[] = [
  ...replayBookmarkCases,
  ...replayFaultCases,
  ...replayForEverCases,
  ...replayIsolationCases,
  ...replayRangeCases,
  ...replayReadingCases,
  ...replayReshardCases,
  ...replayRetentionCases,
  ...replayTimeCases,
];
