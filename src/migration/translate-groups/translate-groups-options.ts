import { type OptionRule, checkOptions, rules } from "../../option-rules.ts";
import type { Bookmark } from "../../tokens.ts";
import { type CheckpointStore, STORE_RULE } from "../copy/checkpoint.ts";
import { copyGroup } from "../copy/copy-options.ts";
import type { Side } from "../side.ts";
import type { TranslationStore } from "./translation.ts";

export interface TranslateGroupsOptions {
  /** Their names, on both sides. @default all groups of the source except that of the copy, where the provider lists groups */
  groups?: readonly string[] | undefined;
  /** That of the copy: the groups may not stand behind it. @default `copy.<source topic>.to.<target topic>` */
  copyGroup?: string | undefined;
  /** Those of the copy: they shorten the search in the target. @default none: the whole target is read */
  checkpoints?: CheckpointStore | undefined;
  /** `translationFiles(directory)`, or a store of your own: to tell whether a group of the target has moved since. @default none: a group that exists is not moved */
  translations?: TranslationStore | undefined;
  /** Finds out everything, and moves nothing. @default false */
  dryRun?: boolean | undefined;
  /** The operator knows what the provider does not show: no group has members, and each has handled everything that it shows no place for. @default false */
  confirmed?: boolean | undefined;
  /**
   * On the way back: by group, where it was put on the source when it came from the target, and where it stood on the target. What it has handled since
   * of the copies of the target's own messages counts.
   */
  returning?: ReadonlyMap<string, Returning> | undefined;
  /**
   * Where a target has no positions to start at, as Pub/Sub: by how many milliseconds a group is placed before the time of its first unhandled message. The clocks
   * of the servers that give the times may differ: so much at most may one be behind another. What lies within is repeated, and counted. @default 10_000
   */
  timeMarginMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Clocks of one provider differ by less. */
export const DEFAULT_TIME_MARGIN_MS = 10_000;

export interface Returning {
  /** `null`: not known, so that the source is read from its beginning. */
  readonly source: Bookmark | null;
  /** `null`: it was not there. */
  readonly target: Bookmark | null;
}

/** What became of one group. */
export interface TranslatedGroup {
  readonly group: string;
  /** Where the group goes on in the target; `null` where it was refused, or where the target is placed by a time. */
  readonly bookmark: Bookmark | null;
  /** The time from which a target goes on that has no positions to start at. */
  readonly timestampMs: number | null;
  /** How many messages that are handled on the source come again; `null` where it was refused. */
  readonly repeats: number | null;
  /** By partition of the source, the ordinal up to which the copied messages are handled. */
  readonly handledOrdinals: Readonly<Record<string, string>>;
  /**
   * `handledOrdinals` are stored with the group of the target, so that consumers with `skipMigrated` leave out what is handled. `false`: they find nothing, because the
   * source has too many partitions for that, or the group was refused, or the target is placed by a time: there nothing can be stored, and `skipMigrated` is `unsupported`.
   */
  readonly skippable: boolean;
  /** Why it was not translated. */
  readonly refused: { readonly code: string; readonly message: string } | null;
}

export interface TranslateGroupsResult {
  /** None was refused. */
  readonly done: boolean;
  readonly groups: readonly TranslatedGroup[];
}

export interface ResolvedTranslateGroupsOptions {
  readonly groups: readonly string[] | null;
  readonly copyGroup: string;
  readonly checkpoints: CheckpointStore | null;
  readonly translations: TranslationStore | null;
  readonly dryRun: boolean;
  readonly confirmed: boolean;
  readonly returning: ReadonlyMap<string, Returning>;
  readonly timeMarginMs: number;
  readonly signal: AbortSignal;
}

const RULES: Readonly<Record<keyof TranslateGroupsOptions, OptionRule>> = {
  groups: rules.stringArray,
  copyGroup: rules.nonEmptyString,
  checkpoints: STORE_RULE,
  translations: STORE_RULE,
  dryRun: rules.boolean,
  confirmed: rules.boolean,
  returning: { allowed: "a Map", accepts: (value) => value instanceof Map },
  timeMarginMs: rules.durationMs,
  signal: rules.abortSignal,
};

/** @throws `invalid-argument` */
export function resolveTranslateGroupsOptions(source: Side, target: Side, options: TranslateGroupsOptions): ResolvedTranslateGroupsOptions {
  checkOptions("options of translateGroups", options, RULES);
  return {
    groups: options.groups ?? null,
    copyGroup: options.copyGroup ?? copyGroup(source.topic, target.topic),
    checkpoints: options.checkpoints ?? null,
    translations: options.translations ?? null,
    dryRun: options.dryRun ?? false,
    confirmed: options.confirmed ?? false,
    returning: options.returning ?? new Map<string, Returning>(),
    timeMarginMs: options.timeMarginMs ?? DEFAULT_TIME_MARGIN_MS,
    signal: options.signal ?? new AbortController().signal,
  };
}
