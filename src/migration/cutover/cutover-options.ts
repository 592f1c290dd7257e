import { type OptionRule, checkOptions, oneOf, rules } from "../../option-rules.ts";
import { StreamError } from "../../errors.ts";
import { type CheckpointStore, STORE_RULE } from "../copy/checkpoint.ts";
import type { TranslatedGroup } from "../translate-groups/translate-groups-options.ts";
import type { CutoverPhase } from "./cutover-state.ts";
import type { LateRecords, RemovedRecords } from "./late-records.ts";

/** In their order. `rollback`: before `go` it takes back what was done; after it, it brings producers and groups back to the source. */
export const CUTOVER_STEPS = ["check", "freeze", "drain", "mark", "translate", "go", "finish", "rollback"] as const;

export type CutoverStep = (typeof CUTOVER_STEPS)[number];

export interface CutoverOptions {
  step: CutoverStep;
  /** The state of this cutover. Translations are kept in files beside it. */
  stateFile: string;
  /** Groups that move. @default all of the source except that of the copy, where the provider lists groups */
  groups?: readonly string[] | undefined;
  /** That of the copy. @default `copy.<source topic>.to.<target topic>` */
  copyGroup?: string | undefined;
  /** Of the copy on the way back. @default `copy.<target topic>.to.<source topic>` */
  returnGroup?: string | undefined;
  /** Those of the copy, and those of the copy on the way back. */
  checkpoints?: CheckpointStore | undefined;
  returnCheckpoints?: CheckpointStore | undefined;
  /**
   * What the tool cannot see: with `freeze` and `rollback`, that all producers have stopped; with `translate`, that groups which the provider does not show are inactive
   * and have handled everything; with `go`, that the producers may start on the target. @default false
   */
  confirmed?: boolean | undefined;
  /**
   * With `finish`, where retention of the source has passed the time of the switch: what it has removed is given up, although late records may have been among it.
   * The report names the partitions. @default false
   */
  acceptRemoved?: boolean | undefined;
  /** So long the topic has to be quiet when it is frozen. @default 5_000 */
  quietMs?: number | undefined;
  /** As for `translateGroups`: where the target has no positions to start at. @default 10_000 */
  timeMarginMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What a step has done and found. */
export interface CutoverReport {
  readonly step: CutoverStep;
  /** The last step that is done, of the way that is being gone. */
  readonly phase: CutoverPhase;
  readonly direction: "forward" | "back";
  /** The step is done. */
  readonly done: boolean;
  /** Records of producers that had not stopped. They are copied when the next step that copies is done. */
  readonly late: LateRecords;
  /** With `acceptRemoved`: late records may have been among what retention has removed of these partitions. */
  readonly removed: readonly RemovedRecords[];
  /** The provider does not tell where a topic ends, so that silence for a while counts as the end. */
  readonly byQuiet: boolean;
  /** How many messages this step has copied; `null`: it copies none. */
  readonly copied: number | null;
  readonly groups: readonly TranslatedGroup[];
  /** What comes next, for the operator. */
  readonly next: string;
}

export interface ResolvedCutoverOptions {
  readonly step: CutoverStep;
  readonly stateFile: string;
  readonly groups: readonly string[] | undefined;
  readonly copyGroup: string | undefined;
  readonly returnGroup: string | undefined;
  readonly checkpoints: CheckpointStore | undefined;
  readonly returnCheckpoints: CheckpointStore | undefined;
  readonly confirmed: boolean;
  readonly acceptRemoved: boolean;
  readonly quietMs: number;
  readonly timeMarginMs: number | undefined;
  readonly signal: AbortSignal;
}

const RULES: Readonly<Record<keyof CutoverOptions, OptionRule>> = {
  step: oneOf(...CUTOVER_STEPS),
  stateFile: rules.nonEmptyString,
  groups: rules.stringArray,
  copyGroup: rules.nonEmptyString,
  returnGroup: rules.nonEmptyString,
  checkpoints: STORE_RULE,
  returnCheckpoints: STORE_RULE,
  confirmed: rules.boolean,
  acceptRemoved: rules.boolean,
  quietMs: rules.durationMs,
  timeMarginMs: rules.durationMs,
  signal: rules.abortSignal,
};

/** @throws `invalid-argument` */
export function resolveCutoverOptions(options: CutoverOptions): ResolvedCutoverOptions {
  checkOptions("cutover options", options, RULES);
  const { step, stateFile } = options;
  // They may come from JavaScript.
  if ((step as unknown) === undefined || (stateFile as unknown) === undefined) {
    throw new StreamError("invalid-argument", `cutover options: step and stateFile are needed; step is one of ${CUTOVER_STEPS.join(", ")}`);
  }
  return {
    step,
    stateFile,
    groups: options.groups,
    copyGroup: options.copyGroup,
    returnGroup: options.returnGroup,
    checkpoints: options.checkpoints,
    returnCheckpoints: options.returnCheckpoints,
    confirmed: options.confirmed ?? false,
    acceptRemoved: options.acceptRemoved ?? false,
    quietMs: options.quietMs ?? 5_000,
    timeMarginMs: options.timeMarginMs,
    signal: options.signal ?? new AbortController().signal,
  };
}
