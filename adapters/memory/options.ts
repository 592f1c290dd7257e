import { OptionCheck, type OptionRule, UrlSettings, decodeUrlPart, oneOf, optionRules } from "../../src/adapter-kit/index.ts";
import type { Capability, TopicSettings } from "../../src/driver/index.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { LIKES, type Like } from "./profiles.ts";
import { refuseTopicName } from "./topic-name.ts";

export interface MemoryOptions {
  /** Shared by all connections of this process that give the same name. Absent: private to its connection. */
  name?: string | undefined;
  /** Topics that exist from the start. In the URL: `memory:?create=orders,payments`. */
  topics?: Readonly<Record<string, TopicSettings>> | undefined;
  /** The provider whose shape, capabilities and limits this one takes. */
  like?: Like | undefined;
  /** Capabilities that are switched off, together with those that need them. */
  without?: readonly Capability[] | undefined;
  /** How long every call takes, so that races are real. @default 0 */
  delayMs?: number | undefined;
}

const URL_SETTINGS = ["create", "like", "without", "delayMs"];

const { durationMs, nonEmptyString, object, positiveInteger, stringArray } = optionRules;

const RULES: Readonly<Record<keyof MemoryOptions, OptionRule>> = {
  name: nonEmptyString,
  topics: object,
  like: oneOf(LIKES),
  without: { ...stringArray, allowed: "an array of capabilities" },
  delayMs: durationMs,
};

const TOPIC_RULES: Readonly<Record<keyof TopicSettings, OptionRule>> = { partitions: positiveInteger, retentionMs: positiveInteger };

/** Messages show texts, because no option of this provider is a credential. */
const CHECK: OptionCheck = new OptionCheck("memory", (value) =>
  typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : Array.isArray(value) ? `an array of ${value.length}` : String(value),
);

/** @throws `configuration` naming what was received and what is allowed */
export function checkMemoryOptions(options: MemoryOptions): void {
  CHECK.check(options, RULES);
  const { topics = {}, without = [] } = options;
  const unknown = without.find((capability) => !CAPABILITIES.includes(capability));
  if (unknown !== undefined) CHECK.refuse(`without: there is no capability ${CHECK.show(unknown)}; allowed are ${CAPABILITIES.join(", ")}`);
  for (const [topic, settings] of Object.entries(topics)) {
    const refusal = refuseTopicName(topic);
    if (refusal !== null) CHECK.refuse(`topics: ${refusal}`);
    CHECK.check(settings, TOPIC_RULES, `topic ${CHECK.show(topic)}`);
  }
}

/**
 * `memory:` · `memory:name?create=orders,payments&like=kinesis&without=lagInTime&delayMs=5`
 * @throws `configuration`
 */
export function parseMemoryUrl(url: string): MemoryOptions {
  const match = /^memory:([^?]*)(?:\?(.*))?$/is.exec(url);
  if (match === null) CHECK.refuse("a URL of the form memory:name?setting=value is needed");
  const [, path, query = ""] = match;
  const name = decodeUrlPart(path!, "the name in memory:name", CHECK);
  if (/[/#@]/.test(name)) CHECK.refuse("the name in memory:name has none of / # @");
  const settings = new UrlSettings(query, CHECK, URL_SETTINGS);
  return {
    name: name === "" ? undefined : name,
    topics: Object.fromEntries((settings.list("create") ?? []).map((topic) => [topic, {}])),
    like: settings.text("like") as Like | undefined,
    without: settings.list("without") as Capability[] | undefined,
    delayMs: settings.number("delayMs", "milliseconds"),
  };
}
