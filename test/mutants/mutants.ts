import { adminMutants } from "./admin-mutants.ts";
import { aheadMutants } from "./ahead-mutants.ts";
import { closingMutants } from "./closing-mutants.ts";
import { compactionMutants } from "./compaction-mutants.ts";
import { consumeMutants } from "./consume-mutants.ts";
import { consumingCoreMutants } from "./consuming-core-mutants.ts";
import { faultMutants } from "./fault-mutants.ts";
import { markMutants } from "./mark-mutants.ts";
import { copyMutants } from "./copy-mutants.ts";
import { lifecycleMutants } from "./lifecycle-mutants.ts";
import { membershipMutants } from "./membership-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { producingEdgeMutants } from "./producing-edge-mutants.ts";
import { producingCoreMutants } from "./producing-core-mutants.ts";
import { portionMutants } from "./portion-mutants.ts";
import { publishMutants } from "./publish-mutants.ts";
import { recordMutants } from "./record-mutants.ts";
import { replayMutants } from "./replay-mutants.ts";
import { callMutants } from "./call-mutants.ts";
import { growthMutants } from "./growth-mutants.ts";
import { resourceMutants } from "./resource-mutants.ts";
import { rangeMutants } from "./range-mutants.ts";
import { unreadableMutants } from "./unreadable-mutants.ts";
import { shardMutants } from "./shard-mutants.ts";
import { tokenMutants } from "./token-mutants.ts";

/** Every mutant, by the name under which a case asks for it. */
export function allMutants(): readonly Mutant[] {
  return [
    ...recordMutants,
    ...publishMutants,
    ...producingCoreMutants,
    ...consumeMutants,
    ...aheadMutants,
    ...membershipMutants,
    ...consumingCoreMutants,
    ...adminMutants,
    ...replayMutants,
    ...closingMutants,
    ...callMutants,
    ...rangeMutants,
    ...markMutants,
    ...shardMutants,
    ...unreadableMutants,
    ...growthMutants,
    ...tokenMutants,
    ...compactionMutants,
    ...lifecycleMutants,
    ...resourceMutants,
    ...copyMutants,
    ...faultMutants,
    ...producingEdgeMutants,
    ...portionMutants,
  ];
}
