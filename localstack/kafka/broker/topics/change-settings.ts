import { ErrorCode, Refusal } from "../error-code.ts";
import { TOPIC_SETTINGS, checkTopicSettings } from "./topic-settings.ts";
import type { Topic } from "./topic.ts";

/** The operations on a setting, by Kafka's numbers. */
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;
const LIST = 7;

export interface SettingChange {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** Applies all changes, or none if one is refused. @throws `Refusal` */
export function changeSettings(topic: Topic, changes: readonly SettingChange[], isTrial: boolean): void {
  const changed = new Map(topic.settings);
  const names = changes.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Refusal(ErrorCode.invalidRequest, "a setting is named twice");
  for (const { name, configOperation, value } of changes) {
    if (configOperation === DELETE) {
      changed.delete(name);
      continue;
    }
    if (value === null) throw new Refusal(ErrorCode.invalidRequest, `Null value not supported for : ${name}`);
    changed.set(name, configOperation === SET ? value : changedList(name, configOperation, value, changed));
  }
  checkTopicSettings(changed, topic.brokerWide);
  if (!isTrial) topic.settings = changed;
}

/** Replaces all settings by these. @throws `Refusal` */
export function replaceSettings(
  topic: Topic,
  settings: readonly { readonly name: string; readonly value: string | null }[],
  isTrial: boolean,
): void {
  const replaced = new Map<string, string>();
  for (const { name, value } of settings) {
    if (value === null) throw new Refusal(ErrorCode.invalidRequest, `Null value not supported for : ${name}`);
    replaced.set(name, value);
  }
  checkTopicSettings(replaced, topic.brokerWide);
  if (!isTrial) topic.settings = replaced;
}

function changedList(name: string, operation: number, value: string, settings: ReadonlyMap<string, string>): string {
  const setting = TOPIC_SETTINGS.get(name);
  const isKnown = operation === APPEND || operation === SUBTRACT;
  if (!isKnown) throw new Refusal(ErrorCode.unknownServerError, `there is no operation ${operation}`);
  if (setting === undefined || setting.type !== LIST)
    throw new Refusal(ErrorCode.invalidConfig, `${name} is no list, nothing can be added or taken away`);
  const items = (text: string): string[] => text.split(",").filter((item) => item !== "");
  const given = items(value);
  const now = items(settings.get(name) ?? setting.fallback);
  const next =
    operation === APPEND ? [...now, ...given.filter((item) => !now.includes(item))] : now.filter((item) => !given.includes(item));
  return next.join(",");
}
