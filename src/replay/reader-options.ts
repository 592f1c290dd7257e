import type { BatchOptions } from "../batch-options.ts";
import { StreamError } from "../errors.ts";
import { type OptionRule, checkOptions, rules, showName, withDefaults } from "../option-rules.ts";
import type { StartPoint, StopPoint } from "../position/place.ts";
import { type CheckedPoint, type PlaceContext, checkedLater } from "../position/place-forms.ts";
import { checkFrom } from "../position/start-point.ts";
import { checkUntil } from "../position/stop-point.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ReaderOptions } from "./reader-types.ts";

/** What a reader goes by: the options, checked and with their defaults. */
export interface ResolvedReaderOptions extends Pick<ReaderOptions, "onGap" | "onCorrupt"> {
  readonly from: CheckedPoint<StartPoint>;
  readonly until: CheckedPoint<StopPoint>;
  readonly endless: boolean;
  /** `null`: all. */
  readonly partitions: readonly string[] | null;
  readonly batch: { readonly maxMessages: number; readonly maxWaitMs: number };
  readonly maxBufferedBytes: number;
}

const READER_RULES: Readonly<Record<keyof ReaderOptions, OptionRule>> = {
  from: checkedLater,
  until: checkedLater,
  partitions: rules.stringArray,
  batch: rules.object,
  maxBufferedBytes: rules.positiveInteger,
  onGap: rules.function,
  onCorrupt: rules.function,
};

const BATCH_RULES: Readonly<Record<keyof BatchOptions, OptionRule>> = {
  maxMessages: rules.positiveInteger,
  maxWaitMs: rules.durationMs,
};

const DEFAULTS = { from: "earliest", maxBufferedBytes: 33_554_432 } as const;
const BATCH_DEFAULTS = { maxMessages: 500, maxWaitMs: 0 } as const;

/** @throws `invalid-argument` for what can never work, `unsupported` for what this provider cannot do, `position-mismatch` */
export function resolveReaderOptions(context: TopicContext, options: ReaderOptions): ResolvedReaderOptions {
  checkOptions("reader options", options, READER_RULES);
  checkOptions("reader options: batch", options.batch ?? {}, BATCH_RULES);
  const { from, until, maxBufferedBytes, onGap, onCorrupt } = withDefaults(options, DEFAULTS);
  const named = options.partitions === undefined ? null : [...new Set(options.partitions)];
  if (named !== null) {
    if (named.length === 0) {
      throw new StreamError("invalid-argument", "reader options: partitions must name at least one; leave it out to read all of them");
    }
    context.requireCapability("partitions", "read");
  }
  const places: PlaceContext = {
    provider: context.provider,
    capabilities: context.capabilities,
    requireCapability: (capability) => context.requireCapability(capability, "read"),
  };
  const start = checkFrom("from", from, named, places);
  const stop = checkUntil(until, named, places);
  return {
    from: start,
    until: stop,
    endless: until === undefined,
    partitions: context.capabilities.partitions ? (named ?? spokenOf(start.partition, stop.partition)) : null,
    batch: withDefaults(options.batch ?? {}, BATCH_DEFAULTS),
    maxBufferedBytes,
    onGap,
    onCorrupt,
  };
}

/** A position reads its own partition only. `null`: all. @throws `invalid-argument` for two positions of different partitions */
function spokenOf(from: string | null, until: string | null): readonly string[] | null {
  if (from !== null && until !== null && from !== until) {
    throw new StreamError(
      "invalid-argument",
      `until: { through } must be a position of the same partition as from; received partition ${showName(until)} beside ${showName(from)}`,
      { partition: until },
    );
  }
  const partition = from ?? until;
  return partition === null ? null : [partition];
}
