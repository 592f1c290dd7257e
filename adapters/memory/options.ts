import type { Capability, TopicSettings } from "../../src/driver/index.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { memoryError } from "./errors.ts";
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

const ALLOWED = ["name", "topics", "like", "without", "delayMs"];
const URL_SETTINGS = ["create", "like", "without", "delayMs"];
const LONGEST_DELAY_MS = 2 ** 31 - 1;

function refuse(text: string): never {
  throw memoryError("configuration", `memory options: ${text}`);
}

function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value.slice(0, 80))
    : Array.isArray(value)
      ? `an array of ${value.length}`
      : String(value);
}

/** @throws `configuration` naming what was received and what is allowed */
export function checkMemoryOptions(options: MemoryOptions): void {
  requireKnown(options, ALLOWED, "there is no");
  const { name, topics, like, without, delayMs } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) refuse(`name must be a non-empty string; received ${show(name)}`);
  if (like !== undefined && !LIKES.includes(like)) refuse(`like must be one of ${LIKES.join(", ")}; received ${show(like)}`);
  if (delayMs !== undefined && !(typeof delayMs === "number" && delayMs >= 0 && delayMs <= LONGEST_DELAY_MS)) {
    refuse(`delayMs must be milliseconds from 0 to ${LONGEST_DELAY_MS}; received ${show(delayMs)}`);
  }
  if (without !== undefined && !Array.isArray(without)) refuse(`without must be an array of capabilities; received ${show(without)}`);
  const unknown = without?.find((capability) => !CAPABILITIES.includes(capability));
  if (unknown !== undefined) refuse(`without: there is no capability ${show(unknown)}; allowed are ${CAPABILITIES.join(", ")}`);
  if (topics !== undefined) checkTopics(topics);
}

function requireKnown(value: unknown, allowed: readonly string[], problem: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(`an object is needed; received ${show(value)}`);
  const unknown = Object.keys(value).find((name) => !allowed.includes(name));
  if (unknown !== undefined) refuse(`${problem} ${show(unknown)}; allowed are ${allowed.join(", ")}`);
}

function checkTopics(topics: NonNullable<MemoryOptions["topics"]>): void {
  if (typeof topics !== "object" || topics === null || Array.isArray(topics)) refuse(`topics must be an object; received ${show(topics)}`);
  for (const [topic, settings] of Object.entries(topics)) {
    const refusal = refuseTopicName(topic);
    if (refusal !== null) refuse(`topics: ${refusal}`);
    requireKnown(settings, ["partitions", "retentionMs"], `topic ${show(topic)}: there is no setting`);
    for (const [name, value] of Object.entries(settings)) {
      const isPositive = typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
      if (value !== undefined && !isPositive) refuse(`topic ${show(topic)}: ${name} must be a positive integer; received ${show(value)}`);
    }
  }
}

/**
 * `memory:` · `memory:name?create=orders,payments&like=kinesis&without=lagInTime&delayMs=5`
 * @throws `configuration`
 */
export function parseMemoryUrl(url: string): MemoryOptions {
  const [, path, query = ""] = /^memory:([^?]*)(?:\?(.*))?$/is.exec(url) ?? refuse("a URL of the form memory:name?setting=value is needed");
  const name = decode(path!);
  if (/[/#@]/.test(name)) refuse("the name in memory:name has none of / # @");
  const settings = new URLSearchParams(query);
  for (const setting of settings.keys()) {
    if (!URL_SETTINGS.includes(setting)) refuse(`there is no setting ${show(setting)}; allowed are ${URL_SETTINGS.join(", ")}`);
    if (settings.getAll(setting).length > 1) refuse(`the setting ${show(setting)} is given more than once; lists are separated by commas`);
  }
  const list = (setting: string): string[] | undefined =>
    settings
      .get(setting)
      ?.split(",")
      .filter((item) => item !== "");
  const delay = settings.get("delayMs");
  if (delay !== null && !/^\d+(?:\.\d+)?$/.test(delay)) refuse(`delayMs must be a number of milliseconds; received ${show(delay)}`);
  return {
    name: name === "" ? undefined : name,
    topics: Object.fromEntries((list("create") ?? []).map((topic) => [topic, {}])),
    like: (settings.get("like") ?? undefined) as Like | undefined,
    without: list("without") as Capability[] | undefined,
    delayMs: delay === null ? undefined : Number(delay),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw memoryError("configuration", "the name in memory:name is not percent-encoded correctly", { cause });
  }
}
