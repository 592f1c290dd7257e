import { StreamError } from "../../errors.ts";
import { type OptionRule, checkOptions, rules } from "../../option-rules.ts";
import type { Gap } from "../../position/range-types.ts";
import type { Side } from "../side.ts";
import { type CheckpointStore, STORE_RULE } from "./checkpoint.ts";

export interface CopyOptions {
  /** Of the source; the copier is a member of it. Several copiers of one copy share it. @default `copy.<source topic>.to.<target topic>` */
  group?: string | undefined;
  /** Goes on until `signal` aborts. Otherwise the copy ends when everything is copied that was stored when it began. @default false */
  continuous?: boolean | undefined;
  /** Messages in a second, of this copier. @default no limit */
  ratePerSecond?: number | undefined;
  /** Messages of one partition that are written together, at most. @default 5_000 */
  batchMessages?: number | undefined;
  /** `checkpointFiles(directory)`, or a store of your own. @default none: a copier that starts reads the whole target */
  checkpoints?: CheckpointStore | undefined;
  /** How often the progress of a partition is stored, in the group and as a checkpoint. @default 5_000 */
  checkpointEveryMs?: number | undefined;
  /**
   * Goes on where partitions were added to a side in which they move keys, although messages of a key may get out of order. Otherwise that ends the copy.
   * @default false
   */
  mayReorder?: boolean | undefined;
  /**
   * The retention of the source has passed the place of the copy. Absent: `position-out-of-range`. Present: it is called, then the copy goes on behind the gap.
   * Where the copy finds the same gap anew, after a failed write or as another member, it is called again.
   */
  onGap?: ((gap: Gap) => unknown) | undefined;
  /** Silence after which the partitions of this copier go to others. @default that of consumers */
  sessionTimeoutMs?: number | undefined;
  /** Ends the copy: what is under way is finished and stored. */
  signal?: AbortSignal | undefined;
  /** Called every second, and at the end. */
  onProgress?: ((progress: CopyProgress) => unknown) | undefined;
}

export interface CopyProgress {
  /** Written to the target since this copier began. */
  readonly copied: number;
  /** Left out, because the target holds them already. */
  readonly duplicates: number;
  /** Left out, because they come from the target. */
  readonly returned: number;
  /** Messages of the source that the group has not stored as copied; `null` where the provider does not report it. */
  readonly lag: number | null;
  /** The partitions of the source that this copier owns now. */
  readonly partitions: readonly string[];
}

export interface CopyResult extends Pick<CopyProgress, "copied" | "duplicates" | "lag"> {}

export interface ResolvedCopyOptions extends Pick<CopyOptions, "onGap" | "onProgress" | "sessionTimeoutMs"> {
  readonly group: string;
  readonly continuous: boolean;
  readonly ratePerSecond: number | null;
  readonly batchMessages: number;
  readonly checkpoints: CheckpointStore | null;
  readonly checkpointEveryMs: number;
  readonly mayReorder: boolean;
  readonly signal: AbortSignal | null;
}

const RULES: Readonly<Record<keyof CopyOptions, OptionRule>> = {
  group: rules.nonEmptyString,
  continuous: rules.boolean,
  ratePerSecond: {
    allowed: "a number of messages, more than 0",
    accepts: (value) => typeof value === "number" && value > 0 && Number.isFinite(value),
  },
  batchMessages: rules.positiveInteger,
  checkpoints: STORE_RULE,
  checkpointEveryMs: rules.durationMs,
  mayReorder: rules.boolean,
  onGap: rules.function,
  sessionTimeoutMs: rules.positiveInteger,
  signal: rules.abortSignal,
  onProgress: rules.function,
};

/** @throws `invalid-argument` */
export function resolveCopyOptions(source: Side, target: Side, options: CopyOptions): ResolvedCopyOptions {
  checkOptions("copy options", options, RULES);
  return {
    group: options.group ?? copyGroup(source.topic, target.topic),
    continuous: options.continuous ?? false,
    ratePerSecond: options.ratePerSecond ?? null,
    batchMessages: options.batchMessages ?? 5_000,
    checkpoints: options.checkpoints ?? null,
    checkpointEveryMs: options.checkpointEveryMs ?? 5_000,
    mayReorder: options.mayReorder ?? false,
    onGap: options.onGap,
    sessionTimeoutMs: options.sessionTimeoutMs,
    signal: options.signal ?? null,
    onProgress: options.onProgress,
  };
}

/** The group of a copy for which no other is given. */
export function copyGroup(sourceTopic: string, targetTopic: string): string {
  return `copy.${sourceTopic}.to.${targetTopic}`;
}

/** @throws `invalid-argument`: a topic copied to itself would grow for ever */
export function requireTwoTopics(sourceId: string, targetId: string, topic: string): void {
  if (sourceId !== targetId) return;
  throw new StreamError("invalid-argument", "the source and the target are the same topic; name two", { topic, operation: "copy" });
}
