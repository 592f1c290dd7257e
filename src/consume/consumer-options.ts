import { StreamError } from "../errors.ts";
import { type OptionRule, checkOptions, oneOf, rules } from "../option-rules.ts";
import type { StartPoint } from "../position/place.ts";
import { type CheckedPoint, checkedLater, readForm } from "../position/place-forms.ts";
import { checkFrom } from "../position/start-point.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ConsumerOptions, FailureAction, RetryOptions } from "./consumer-types.ts";

const WHERE = "consumer options: initialPosition";

type Absent<Options> = { [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** The options of a consumer, checked and with their defaults. */
export interface ResolvedConsumerOptions extends Pick<ConsumerOptions, "onGap" | "onAssigned" | "onRevoked" | "handlerTimeoutMs"> {
  readonly group: string;
  /** The provider's own name, where the application gave one. */
  readonly nativeGroup: string | undefined;
  readonly initialPosition: CheckedPoint<StartPoint | "fail">;
  readonly order: "key" | "partition" | "none";
  /** Are messages left out that a migration has carried, and the group had handled before? */
  readonly skipMigrated: boolean;
  readonly maxAhead: number;
  readonly concurrency: number;
  readonly retry: Absent<Omit<RetryOptions, "retryable">> & Pick<RetryOptions, "retryable">;
  readonly onFailure: Exclude<ConsumerOptions["onFailure"], undefined>;
  readonly batch: { readonly maxMessages: number; readonly maxWaitMs: number };
  readonly commit: { readonly everyMs: number; readonly everyMessages: number | null; readonly ahead: boolean };
  readonly sessionTimeoutMs: number;
  readonly maxBufferedBytes: number;
}

/** Is this one of the actions? It may come from the options or from the function `onFailure`. */
export function isFailureAction(value: unknown): value is FailureAction {
  if (value === "stop" || value === "skip") return true;
  if (typeof value !== "object" || value === null) return false;
  const target = (value as { deadLetter?: unknown }).deadLetter;
  return Object.keys(value).join() === "deadLetter" && typeof target === "string" && target !== "";
}

const ACTIONS = `"stop", "skip", { deadLetter: topic }`;
const FAILURE_RULE: OptionRule = {
  allowed: `${ACTIONS} or a function of the failure that returns one of these`,
  accepts: (value) => typeof value === "function" || isFailureAction(value),
};

const CONSUMER_RULES: Readonly<Record<keyof ConsumerOptions, OptionRule>> = {
  group: rules.nonEmptyString,
  initialPosition: checkedLater,
  order: oneOf("key", "partition", "none"),
  maxAhead: rules.positiveInteger,
  concurrency: rules.positiveInteger,
  retry: rules.object,
  onFailure: FAILURE_RULE,
  handlerTimeoutMs: {
    allowed: "milliseconds, more than 0 and at most 1073741823 (a handler gets twice the time to settle)",
    accepts: (value) => typeof value === "number" && value > 0 && rules.durationMs.accepts(value * 2),
  },
  batch: rules.object,
  commit: rules.object,
  sessionTimeoutMs: rules.positiveInteger,
  skipMigrated: rules.boolean,
  maxBufferedBytes: rules.positiveInteger,
  onGap: rules.function,
  onAssigned: rules.function,
  onRevoked: rules.function,
};

const RETRY_RULES: Readonly<Record<keyof RetryOptions, OptionRule>> = {
  maxAttempts: rules.positiveInteger,
  initialDelayMs: rules.durationMs,
  maxDelayMs: rules.durationMs,
  retryable: rules.function,
};

const COMMIT_RULES: Readonly<Record<keyof NonNullable<ConsumerOptions["commit"]>, OptionRule>> = {
  everyMs: rules.durationMs,
  everyMessages: rules.positiveInteger,
  ahead: rules.boolean,
};

/** @throws `invalid-argument` for values that can never work, `unsupported` for those that this provider cannot honour */
export function resolveConsumerOptions(context: TopicContext, options: ConsumerOptions): ResolvedConsumerOptions {
  checkOptions("consumer options", options, CONSUMER_RULES);
  if (options.group === undefined) {
    throw new StreamError("invalid-argument", "consumer options: group is needed, a non-empty string; received undefined");
  }
  const { nativeGroup } = context.checkedGroup(options.group);
  checkOptions("consumer options: retry", options.retry ?? {}, RETRY_RULES);
  checkOptions("consumer options: batch", options.batch ?? {}, { maxMessages: rules.positiveInteger, maxWaitMs: rules.durationMs });
  checkOptions("consumer options: commit", options.commit ?? {}, COMMIT_RULES);
  if (options.commit?.ahead === true) context.requireCapability("handledAhead", "consume");
  const initialPosition = checkInitialPosition(options.initialPosition === undefined ? "earliest" : options.initialPosition, context);
  // A group that settles single records has no place beside which it could be stored what was handled elsewhere.
  if (options.skipMigrated === true) context.requireCapability("startAtPosition", "consume");
  const onFailure = options.onFailure ?? "stop";
  if (typeof onFailure === "object") requireOtherTopic(onFailure.deadLetter, context);
  return {
    group: options.group,
    nativeGroup,
    initialPosition,
    order: options.order ?? "key",
    skipMigrated: options.skipMigrated ?? false,
    maxAhead: options.maxAhead ?? 10_000,
    concurrency: options.concurrency ?? 1,
    retry: {
      maxAttempts: options.retry?.maxAttempts ?? 5,
      initialDelayMs: options.retry?.initialDelayMs ?? 100,
      maxDelayMs: options.retry?.maxDelayMs ?? 10_000,
      retryable: options.retry?.retryable,
    },
    onFailure,
    handlerTimeoutMs: options.handlerTimeoutMs,
    batch: { maxMessages: options.batch?.maxMessages ?? 500, maxWaitMs: options.batch?.maxWaitMs ?? 0 },
    commit: {
      everyMs: options.commit?.everyMs ?? 1_000,
      everyMessages: options.commit?.everyMessages ?? null,
      ahead: options.commit?.ahead ?? true,
    },
    sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
    maxBufferedBytes: options.maxBufferedBytes ?? 33_554_432,
    onGap: options.onGap,
    onAssigned: options.onAssigned,
    onRevoked: options.onRevoked,
  };
}

/**
 * Dead letters in the topic that they come from would be consumed again and again.
 * @throws `invalid-argument`: the provider allows no such name, or it names the consumed topic, perhaps by another name
 */
export function requireOtherTopic(deadLetter: string, context: TopicContext): void {
  const { topic, nativeTopic } = context;
  if (context.nativeTopicOf(deadLetter) === nativeTopic) {
    throw new StreamError("invalid-argument", `the dead-letter topic is the consumed topic ${JSON.stringify(topic)}; name another one`, {
      topic,
    });
  }
}

/** Options that `for await` cannot honour are refused, not ignored. @throws `invalid-argument` */
export function refuseForIteration(options: ConsumerOptions): void {
  const given = (["concurrency", "retry", "batch", "handlerTimeoutMs"] as const).filter((name) => options[name] !== undefined);
  if (given.length > 0) {
    throw new StreamError("invalid-argument", `${given.join(", ")}: not allowed when iterating, where the loop is the handler; use run`);
  }
}

/**
 * Where a group without a position starts: `"fail"`, or one of the forms of a reader's `from`, except a position, which belongs
 * to one partition only.
 * @throws `invalid-argument` · `unsupported` (`startAtTimestamp`)
 */
function checkInitialPosition(initial: unknown, context: TopicContext): CheckedPoint<StartPoint | "fail"> {
  const form = readForm(WHERE, initial, ["earliest", "latest", "fail"], ["timestamp", "bookmark"]);
  if (form === "fail") return { partition: null, resolve: async () => form };
  const { provider, capabilities } = context;
  return checkFrom(WHERE, initial, null, {
    provider,
    capabilities,
    requireCapability: (capability) => context.requireCapability(capability, "consume"),
  });
}
