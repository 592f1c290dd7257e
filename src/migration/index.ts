/** Moves a live stream from one topic to another, of any two providers: "streamport/migration". */
export type { Side } from "./side.ts";
export type { Checkpoint, CheckpointStore } from "./copy/checkpoint.ts";
export { checkpointFiles } from "./copy/checkpoint-files.ts";
export { copy } from "./copy/copy.ts";
export type { CopyOptions, CopyProgress, CopyResult } from "./copy/copy-options.ts";
export { translateGroups } from "./translate-groups/translate-groups.ts";
export type { TranslateGroupsOptions, TranslateGroupsResult, TranslatedGroup } from "./translate-groups/translate-groups-options.ts";
export type { Translation, TranslationStore } from "./translate-groups/translation.ts";
export { translationFiles } from "./translate-groups/translation-files.ts";
export { verify } from "./verify/verify.ts";
export type { Difference, VerifyOptions, VerifyResult } from "./verify/verify.ts";
export { plan } from "./plan/plan.ts";
export type { PlanFinding, PlanOptions, PlanResult, PlanSide } from "./plan/plan.ts";
export { cutover } from "./cutover/cutover.ts";
export type { CutoverOptions, CutoverReport, CutoverStep } from "./cutover/cutover-options.ts";
export type { CutoverPhase } from "./cutover/cutover-state.ts";
export type { LateRecords } from "./cutover/late-records.ts";
