import { OptionCheck, type OptionRule, oneOf, optionRules } from "../../src/adapter-kit/index.ts";
import type { Compression } from "./log/compression.ts";

export interface KafkaOptions {
  /** Some servers do not support it (OCI Streaming's Kafka endpoint). @default false */
  idempotent?: boolean | undefined;
  /** @default "none" */
  compression?: "none" | "gzip" | "zstd" | undefined;
  /** Further settings of the kafkajs client by its own names: `socketFactory`, `connectionTimeout`, a custom `sasl` mechanism… */
  kafkajs?: Readonly<Record<string, unknown>> | undefined;
  /** `host:port` */
  brokers: readonly string[];
  clientId?: string | undefined;
  /** `ca`, `cert` and `key`: PEM texts, or paths of PEM files. */
  tls?:
    | boolean
    | { ca?: string | undefined; cert?: string | undefined; key?: string | undefined; servername?: string | undefined }
    | undefined;
  sasl?: KafkaSasl | undefined;
}

/** Named as in kafkajs. */
export type KafkaSasl =
  | { mechanism: "plain" | "scram-sha-256" | "scram-sha-512"; username: string; password: string }
  | { mechanism: "oauthbearer"; oauthBearerProvider: () => Promise<{ value: string }> };

/** Messages never show a value: it may be a credential. */
export const KAFKA_OPTIONS: OptionCheck = new OptionCheck("kafka");

const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "zstd"];
const PASSWORD_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"];
const MECHANISMS = [...PASSWORD_MECHANISMS, "oauthbearer"];

const { boolean, function: aFunction, nonEmptyString, object, positiveInteger } = optionRules;
const booleanOrObject: OptionRule = {
  allowed: "true, false or an object",
  accepts: (value) => boolean.accepts(value) || object.accepts(value),
};

const RULES: Readonly<Record<keyof KafkaOptions, OptionRule>> = {
  brokers: { allowed: "an array of host:port", accepts: (value) => Array.isArray(value) && value.length > 0 },
  clientId: nonEmptyString,
  tls: booleanOrObject,
  sasl: object,
  idempotent: boolean,
  compression: oneOf(COMPRESSIONS),
  kafkajs: object,
};

const TLS_RULES = { ca: nonEmptyString, cert: nonEmptyString, key: nonEmptyString, servername: nonEmptyString };

const PASSWORD_RULES = { mechanism: oneOf(PASSWORD_MECHANISMS), username: nonEmptyString, password: nonEmptyString };

const TOKEN_RULES = {
  mechanism: oneOf(["oauthbearer"]),
  oauthBearerProvider: { ...aFunction, allowed: "a function that resolves to { value }, the token; it has no URL form" },
};

/** The settings of kafkajs that its connections use. The adapter decides the others, or does not use their parts. */
const KAFKAJS_RULES: Readonly<Record<string, OptionRule>> = {
  socketFactory: aFunction,
  connectionTimeout: positiveInteger,
  authenticationTimeout: positiveInteger,
  requestTimeout: positiveInteger,
  reauthenticationThreshold: positiveInteger,
  ssl: booleanOrObject,
  sasl: {
    allowed: "an object with a mechanism",
    accepts: (value) => object.accepts(value) && typeof (value as { mechanism?: unknown }).mechanism === "string",
  },
};

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkKafkaOptions(options: KafkaOptions): void {
  KAFKA_OPTIONS.check(options, RULES, undefined, ["brokers"]);
  const { brokers, tls, sasl, kafkajs } = options;
  for (const broker of brokers) parseBroker(broker);
  if (typeof tls === "object") {
    KAFKA_OPTIONS.check(tls, TLS_RULES, "tls");
    if ((tls.cert === undefined) !== (tls.key === undefined)) KAFKA_OPTIONS.refuse("tls.cert and tls.key go together");
  }
  if (sasl !== undefined) checkSasl(sasl);
  if (kafkajs === undefined) return;
  KAFKA_OPTIONS.check(kafkajs, KAFKAJS_RULES, "kafkajs");
  if (kafkajs["sasl"] !== undefined && sasl !== undefined) KAFKA_OPTIONS.refuse("sasl is given twice, once of them in kafkajs");
  if (kafkajs["ssl"] !== undefined && tls !== undefined) KAFKA_OPTIONS.refuse("tls is given twice, once of them as kafkajs.ssl");
}

function checkSasl(sasl: KafkaSasl): void {
  if (!MECHANISMS.includes(sasl.mechanism)) {
    KAFKA_OPTIONS.refuse(`sasl.mechanism must be one of ${MECHANISMS.join(", ")}; others go into kafkajs.sasl`);
  }
  const rules = sasl.mechanism === "oauthbearer" ? TOKEN_RULES : PASSWORD_RULES;
  KAFKA_OPTIONS.check(sasl, rules, "sasl", Object.keys(rules));
}

const DEFAULT_PORT = 9092;

/** `host`, `host:port`, `[address]:port`. @throws `configuration` */
export function parseBroker(broker: unknown): { readonly host: string; readonly port: number } {
  const match = typeof broker === "string" ? /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(broker) : null;
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (match === null || port < 1 || port > 65_535) {
    KAFKA_OPTIONS.refuse(`a broker is host:port with a port from 1 to 65535; received ${KAFKA_OPTIONS.show(broker)}`);
  }
  return { host: match[1] ?? match[2]!, port };
}
