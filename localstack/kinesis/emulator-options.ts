import { type OptionRule, checkOptions, rules } from "../../src/option-rules.ts";
import type { EmulatorTopic, ListeningOptions } from "../emulator.ts";
import { listeningAddress } from "../listening-address.ts";
import type { ServiceSettings } from "./service-settings.ts";

export interface KinesisEmulatorOptions extends ListeningOptions {
  /** Requests must be signed for it. @default us-east-1 */
  readonly region?: string | undefined;
  /** Twelve digits. @default 000000000000 */
  readonly accountId?: string | undefined;
  /** Secrets by access key. If given, all other keys are refused, and signatures are checked. @default all keys are accepted */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  /** Pause between reads of a shard that is caught up, in the URL. @default 100 */
  readonly pollMs?: number | undefined;
  /** Of every call. @default 0 */
  readonly latencyMs?: number | undefined;
  /** How long streams are CREATING, UPDATING and DELETING. @default 5 */
  readonly changeMs?: number | undefined;
  /** How much the service's clock is ahead of this machine's; may be negative. @default 0 */
  readonly clockSkewMs?: number | undefined;
  /** @default 300_000 */
  readonly iteratorLifetimeMs?: number | undefined;
  /** The most records of one answer to GetRecords. @default 10_000 */
  readonly pageRecords?: number | undefined;
  /** How many empty answers a reader gets before the first of the old records, and behind the last one. @default 0 */
  readonly emptyAnswers?: number | undefined;
  /** Does a closed shard end with an empty answer behind its last record? Else the answer with that record ends it. @default false */
  readonly endsEmpty?: boolean | undefined;
  /** Are the rates of the developer guide enforced: of shards, and of calls in an account? @default false */
  readonly enforceRates?: boolean | undefined;
  /** The part of all records that is refused as throttled, from 0 to 1. @default 0 */
  readonly throttledEntries?: number | undefined;
  /** The most open shards of the account. @default 20_000 */
  readonly shardLimit?: number | undefined;
  /** How long reads of a table that do not ask for consistency return what was before the last write. @default 1_000 */
  readonly staleReadMs?: number | undefined;
  /** If a kind of fault has several variants (README.md), they take turns. The first fault of a kind begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
}

const TOKEN_LIFETIME_MS = 300_000;

const OPTIONS: Readonly<Record<string, OptionRule>> = {
  topics: rules.object,
  port: rules.nonNegativeInteger,
  host: rules.nonEmptyString,
  advertisedHost: rules.nonEmptyString,
  region: rules.nonEmptyString,
  accountId: { allowed: "twelve digits", accepts: (value) => /^\d{12}$/.test(String(value)) },
  credentials: rules.object,
  pollMs: rules.durationMs,
  latencyMs: rules.durationMs,
  changeMs: rules.durationMs,
  clockSkewMs: { allowed: "an integer", accepts: Number.isSafeInteger },
  iteratorLifetimeMs: rules.durationMs,
  pageRecords: rules.positiveInteger,
  emptyAnswers: rules.nonNegativeInteger,
  endsEmpty: rules.boolean,
  enforceRates: rules.boolean,
  throttledEntries: { allowed: "a number from 0 to 1", accepts: (value) => typeof value === "number" && value >= 0 && value <= 1 },
  shardLimit: rules.positiveInteger,
  staleReadMs: rules.durationMs,
  firstFaultTurn: rules.nonNegativeInteger,
};

interface Started {
  readonly settings: ServiceSettings;
  readonly host: string;
  readonly advertisedHost: string;
  readonly port: number;
  readonly topics: Readonly<Record<string, EmulatorTopic>>;
}

/** Checks the options and fills in the defaults. @throws `invalid-argument` */
export function settingsOf(options: KinesisEmulatorOptions): Started {
  checkOptions("emulator options", options, OPTIONS);
  const { port = 0, topics = {}, region = "us-east-1", accountId = "000000000000", credentials, changeMs = 5 } = options;
  const { host, advertisedHost } = listeningAddress(options);
  const settings: ServiceSettings = {
    account: { accountId, region },
    times: {
      creatingMs: changeMs,
      updatingMs: changeMs,
      deletingMs: changeMs,
      iteratorLifetimeMs: options.iteratorLifetimeMs ?? 300_000,
      tokenLifetimeMs: TOKEN_LIFETIME_MS,
      pageRecords: options.pageRecords ?? 10_000,
      emptyAnswers: options.emptyAnswers ?? 0,
      endsEmpty: options.endsEmpty ?? false,
    },
    rates: { areEnforced: options.enforceRates ?? false, throttledEntries: options.throttledEntries ?? 0 },
    secrets: credentials === undefined ? null : new Map(Object.entries(credentials)),
    pollMs: options.pollMs ?? 100,
    latencyMs: options.latencyMs ?? 0,
    clockSkewMs: options.clockSkewMs ?? 0,
    shardLimit: options.shardLimit ?? 20_000,
    firstFaultTurn: options.firstFaultTurn ?? 0,
    staleReadMs: options.staleReadMs ?? 1_000,
  };
  return { settings, host, advertisedHost, port, topics };
}
