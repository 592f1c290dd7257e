import type { BrokerProperties } from "../broker-properties.ts";
import { TOPIC_SETTINGS } from "./topic-settings.ts";
import type { Topic } from "./topic.ts";

/** The sources of a value, by Kafka's numbers. */
const TOPIC: number = 1;
const BROKER = 4;
const DEFAULT = 5;

export interface DescribedSetting {
  readonly name: string;
  readonly value: string;
  readonly configSource: number;
  readonly configType: number;
  /** Every source that has a value, the effective one first. */
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[];
}

/** All settings of a topic, including the defaults that it does not set itself. */
export function describedSettings({ settings }: Topic, { ofTopics }: BrokerProperties): readonly DescribedSetting[] {
  return [...TOPIC_SETTINGS].map(([name, { type, fallback, brokerName, isDefaultShown }]) => {
    const own = settings.get(name);
    const synonyms = own === undefined ? [] : [{ name, value: own, source: TOPIC }];
    if (brokerName !== null) {
      const brokerWide = ofTopics.get(name);
      if (brokerWide !== undefined) synonyms.push({ name: brokerName, value: brokerWide, source: BROKER });
      if (isDefaultShown) synonyms.push({ name: brokerName, value: fallback, source: DEFAULT });
    }
    const { value, source } = synonyms[0] ?? { value: fallback, source: DEFAULT };
    return { name, value, configSource: source, configType: type, synonyms };
  });
}
