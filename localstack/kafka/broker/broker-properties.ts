import { StreamError } from "../../../src/errors.ts";
import { TOPIC_SETTINGS } from "./topics/topic-settings.ts";

/** The broker settings that have an effect here, by Kafka's names. Not all defaults are Kafka's: see README.md. */
const DEFAULTS = {
  "auto.create.topics.enable": "false",
  "num.partitions": "1",
  "default.replication.factor": "1",
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "500",
  "group.max.session.timeout.ms": "1800000",
  "group.max.size": "2147483647",
  "offset.metadata.max.bytes": "4096",
  "log.retention.check.interval.ms": "500",
  "transaction.max.timeout.ms": "900000",
  "fetch.max.bytes": "57671680",
  "socket.request.max.bytes": "104857600",
} as const;

type PropertyName = keyof typeof DEFAULTS;

/** The settings of the brokers. */
export class BrokerProperties {
  /** Defaults of topics, by the names of the topic settings. */
  readonly ofTopics: ReadonlyMap<string, string>;
  readonly #own: ReadonlyMap<string, string>;

  /** @throws `configuration` for a property that has no effect here, or an invalid value */
  constructor(given: Readonly<Record<string, string>>) {
    const topicNames = new Map([...TOPIC_SETTINGS].flatMap(([name, { brokerName }]) => (brokerName === null ? [] : [[brokerName, name]])));
    const own = new Map<string, string>(Object.entries(DEFAULTS));
    const ofTopics = new Map<string, string>();
    for (const [name, value] of Object.entries(given)) {
      const topicSetting = topicNames.get(name);
      if (topicSetting !== undefined) {
        const allowed = TOPIC_SETTINGS.get(topicSetting)!.refuse(value);
        if (allowed !== null) throw wrong(`${name} is ${JSON.stringify(value)}; allowed is ${allowed}`);
        ofTopics.set(topicSetting, value);
      } else if (own.has(name)) own.set(name, checked(name, value));
      else throw wrong(`${JSON.stringify(name)} has no effect here; known are ${[...own.keys(), ...topicNames.keys()].sort().join(", ")}`);
    }
    this.#own = own;
    this.ofTopics = ofTopics;
  }

  number(name: PropertyName): number {
    return Number(this.#own.get(name));
  }

  isOn(name: PropertyName): boolean {
    return this.#own.get(name) === "true";
  }

  get entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#own, ...[...this.ofTopics].map(([name, value]) => [TOPIC_SETTINGS.get(name)!.brokerName!, value] as const)];
  }
}

function checked(name: string, value: string): string {
  const isBoolean = name === "auto.create.topics.enable";
  if (isBoolean ? value === "true" || value === "false" : /^\d+$/.test(value)) return value;
  throw wrong(`${name} is ${JSON.stringify(value)}; allowed is ${isBoolean ? "true or false" : "a whole number"}`);
}

function wrong(what: string): StreamError {
  return new StreamError("configuration", `the emulated Kafka: property ${what}`, { provider: "kafka" });
}
