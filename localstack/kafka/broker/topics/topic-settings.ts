import { ErrorCode, Refusal } from "../error-code.ts";

/** The types of settings, by their numbers in DescribeConfigs. */
const TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

export interface TopicSetting {
  readonly type: number;
  readonly fallback: string;
  /** The broker setting that is the default of all topics; `null`: the broker has no such setting. */
  readonly brokerName: string | null;
  /** Whether a server reports the broker setting. It does not if the default has another name and a coarser unit. */
  readonly isDefaultShown: boolean;
  /** @returns the allowed values, if the value is not allowed; `null` if it is */
  readonly refuse: (value: string) => string | null;
}

const LARGEST_INT = 2_147_483_647n;
const LARGEST_LONG = 9_223_372_036_854_775_807n;
const FOR_EVER = String(LARGEST_LONG);

function whole(least: bigint, most: bigint): TopicSetting["refuse"] {
  return (value) => {
    const isAllowed = /^[+-]?\d+$/.test(value) && BigInt(value) >= least && BigInt(value) <= most;
    return isAllowed ? null : `a whole number from ${least} to ${most}`;
  };
}

const int = (least: bigint, most = LARGEST_INT): TopicSetting["refuse"] => whole(least, most);
const long = (least: bigint): TopicSetting["refuse"] => whole(least, LARGEST_LONG);

function oneOf(...allowed: readonly string[]): TopicSetting["refuse"] {
  return (value) => (allowed.includes(value) ? null : `one of ${allowed.join(", ")}`);
}

const gzipLevel: TopicSetting["refuse"] = (value) =>
  int(1n, 9n)(value) === null || int(-1n, -1n)(value) === null ? null : "-1, or 1 to 9";
const boolean: TopicSetting["refuse"] = (value) => oneOf("true", "false")(value.toLowerCase());
/** A number as Java reads it, which may be NaN. */
const ratio: TopicSetting["refuse"] = (value) => {
  const isNumber = /^[+-]?(NaN|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?)$/.test(value);
  const number = toDouble(value);
  return isNumber && !(number < 0 || number > 1) ? null : "from 0 to 1";
};
const onlyFalse: TopicSetting["refuse"] = (value) => (value.toLowerCase() === "false" ? null : "false: there is no remote storage");
const throttledReplicas: TopicSetting["refuse"] = (value) => {
  const items = value.split(",").map((item) => item.trim());
  return items.join("") === "*" || items.every((item) => /^(\d+:\d+)?$/.test(item))
    ? null
    : '"*", or partition:broker, separated by commas';
};
const policies: TopicSetting["refuse"] = (value) =>
  value === "" || value.split(",").every((policy) => ["delete", "compact"].includes(policy.trim()))
    ? null
    : "delete, compact, both or none";

type Row = readonly [name: string, type: keyof typeof TYPE, fallback: string, refuse: TopicSetting["refuse"], brokerName?: string | null];

/** Kafka's settings of a topic with their defaults, in Kafka's order. `TopicConfig` has those that have an effect here. */
const ROWS: readonly Row[] = [
  ["compression.type", "string", "producer", oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), "compression.type"],
  ["remote.log.delete.on.disable", "boolean", "false", boolean, null],
  ["leader.replication.throttled.replicas", "list", "", throttledReplicas, null],
  ["remote.storage.enable", "boolean", "false", onlyFalse, null],
  ["min.insync.replicas", "int", "1", int(1n), "min.insync.replicas"],
  ["segment.jitter.ms", "long", "0", long(0n), "log.roll.jitter.ms"],
  ["remote.log.copy.disable", "boolean", "false", boolean, null],
  ["local.retention.ms", "long", "-2", long(-2n)],
  ["cleanup.policy", "list", "delete", policies],
  ["flush.ms", "long", FOR_EVER, long(0n), "log.flush.interval.ms"],
  ["follower.replication.throttled.replicas", "list", "", throttledReplicas, null],
  ["compression.lz4.level", "int", "9", int(1n, 17n), "compression.lz4.level"],
  ["segment.bytes", "int", "1073741824", int(1_048_576n)],
  ["retention.ms", "long", "604800000", long(-1n)],
  ["compression.gzip.level", "int", "-1", gzipLevel, "compression.gzip.level"],
  ["flush.messages", "long", FOR_EVER, long(1n), "log.flush.interval.messages"],
  ["compression.zstd.level", "int", "3", int(-131_072n, 22n), "compression.zstd.level"],
  ["max.compaction.lag.ms", "long", FOR_EVER, long(1n), "log.cleaner.max.compaction.lag.ms"],
  ["file.delete.delay.ms", "long", "60000", long(0n), "log.segment.delete.delay.ms"],
  ["max.message.bytes", "int", "1048588", int(0n), "message.max.bytes"],
  ["min.compaction.lag.ms", "long", "0", long(0n), "log.cleaner.min.compaction.lag.ms"],
  ["message.timestamp.type", "string", "CreateTime", oneOf("CreateTime", "LogAppendTime")],
  ["local.retention.bytes", "long", "-2", long(-2n)],
  ["preallocate", "boolean", "false", boolean],
  ["min.cleanable.dirty.ratio", "double", "0.5", ratio, "log.cleaner.min.cleanable.ratio"],
  ["index.interval.bytes", "int", "4096", int(0n)],
  ["unclean.leader.election.enable", "boolean", "false", boolean, "unclean.leader.election.enable"],
  ["retention.bytes", "long", "-1", whole(-LARGEST_LONG, LARGEST_LONG)],
  ["delete.retention.ms", "long", "86400000", long(0n), "log.cleaner.delete.retention.ms"],
  ["message.timestamp.after.max.ms", "long", "3600000", long(0n)],
  ["message.timestamp.before.max.ms", "long", FOR_EVER, long(0n)],
  ["segment.ms", "long", "604800000", long(1n), "log.roll.ms"],
  ["segment.index.bytes", "int", "10485760", int(4n), "log.index.size.max.bytes"],
];

/** Settings whose defaults come from `log.retention.hours`, `log.roll.hours` and the like. */
const DEFAULT_BY_ANOTHER_NAME: ReadonlySet<string> = new Set(["retention.ms", "segment.ms", "segment.jitter.ms", "flush.ms"]);

export const TOPIC_SETTINGS: ReadonlyMap<string, TopicSetting> = new Map(
  ROWS.map(([name, type, fallback, refuse, brokerName = `log.${name}`]) => {
    const isDefaultShown = brokerName !== null && !DEFAULT_BY_ANOTHER_NAME.has(name);
    return [name, { type: TYPE[type], fallback, refuse, brokerName, isDefaultShown }];
  }),
);

/** Parses a number of double precision like Java. */
export function toDouble(value: string): number {
  return Number(value.replace(/[dDfF]$/, ""));
}

/**
 * Checks the settings of a topic, each one and all together.
 * @param brokerWide the values for topics without the setting, by the names of topic settings
 * @throws `Refusal` for a name or a value that Kafka refuses
 */
export function checkTopicSettings(settings: ReadonlyMap<string, string>, brokerWide: ReadonlyMap<string, string>): void {
  for (const [name, value] of settings) checkTopicSetting(name, value);
  const lagMs = (name: string): bigint => BigInt(settings.get(name) ?? brokerWide.get(name) ?? TOPIC_SETTINGS.get(name)!.fallback);
  const leastMs = lagMs("min.compaction.lag.ms");
  const mostMs = lagMs("max.compaction.lag.ms");
  if (leastMs <= mostMs) return;
  const conflict = `min.compaction.lag.ms (${leastMs}) > max.compaction.lag.ms (${mostMs})`;
  throw new Refusal(ErrorCode.invalidConfig, `conflict topic config setting ${conflict}`);
}

function checkTopicSetting(name: string, value: string): void {
  const setting = TOPIC_SETTINGS.get(name);
  if (setting === undefined) throw new Refusal(ErrorCode.invalidConfig, `Unknown topic config name: ${name}`);
  const allowed = setting.refuse(value.trim());
  if (allowed === null) return;
  throw new Refusal(ErrorCode.invalidConfig, `Invalid value ${value} for configuration ${name}: allowed is ${allowed}`);
}
