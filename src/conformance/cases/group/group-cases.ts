import type { DefinedCase } from "../../case.ts";
import { groupAdminCases } from "./admin.ts";
import { groupFaultCases } from "./fault.ts";
import { groupLatestCases } from "./latest.ts";
import { groupMembersCases } from "./members.ts";
import { groupRebalanceCases } from "./rebalance.ts";
import { groupRecreationCases } from "./recreation.ts";
import { groupResetToCases } from "./reset-to.ts";
import { groupResetCases } from "./reset.ts";
import { groupReshardCases } from "./reshard.ts";
import { groupRetentionCases } from "./retention.ts";
import { groupStartCases } from "./start.ts";
import { groupStatusCases } from "./status.ts";
import { groupTakenCases } from "./taken.ts";

export const groupCases: readonly DefinedCase[] = [
  ...groupAdminCases,
  ...groupFaultCases,
  ...groupLatestCases,
  ...groupMembersCases,
  ...groupRebalanceCases,
  ...groupRecreationCases,
  ...groupResetToCases,
  ...groupResetCases,
  ...groupReshardCases,
  ...groupRetentionCases,
  ...groupStartCases,
  ...groupStatusCases,
  ...groupTakenCases,
];
