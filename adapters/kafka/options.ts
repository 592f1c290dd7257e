import { kafkaError } from "./errors.ts";
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

const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "zstd"];
const PASSWORD_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"];
const MECHANISMS = [...PASSWORD_MECHANISMS, "oauthbearer"];
const TLS_SETTINGS = ["ca", "cert", "key", "servername"];

/** The settings of kafkajs that its connections use. The adapter decides the others, or does not use their parts. */
const KAFKAJS_SETTINGS: Readonly<Record<string, (value: unknown) => boolean>> = {
  socketFactory: (value) => typeof value === "function",
  connectionTimeout: isPositiveInteger,
  authenticationTimeout: isPositiveInteger,
  requestTimeout: isPositiveInteger,
  reauthenticationThreshold: isPositiveInteger,
  ssl: (value) => typeof value === "boolean" || isObject(value),
  sasl: (value) => isObject(value) && typeof value["mechanism"] === "string",
};

function isPositiveInteger(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function refuseOption(text: string): never {
  throw kafkaError("configuration", `kafka options: ${text}`);
}

/** Never shows the value itself, because it may be a credential. */
function show(value: unknown): string {
  if (typeof value === "string") return `a string of ${value.length} characters`;
  return Array.isArray(value) ? `an array of ${value.length}` : typeof value;
}

function requireKnown(where: string, value: object, allowed: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  refuseOption(`${where}there is no ${JSON.stringify(unknown.slice(0, 80))}; allowed are ${allowed.join(", ")}`);
}

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkKafkaOptions(options: KafkaOptions): void {
  if (!isObject(options)) refuseOption(`an object is needed; received ${show(options)}`);
  requireKnown("", options, ["brokers", "clientId", "tls", "sasl", "idempotent", "compression", "kafkajs"]);
  const { brokers, clientId, tls, sasl, idempotent, compression, kafkajs } = options;
  if (!Array.isArray(brokers) || brokers.length === 0) refuseOption(`brokers must be an array of host:port; received ${show(brokers)}`);
  for (const broker of brokers) parseBroker(broker);
  if (clientId !== undefined && (typeof clientId !== "string" || clientId === "")) {
    refuseOption(`clientId must be a non-empty string; received ${show(clientId)}`);
  }
  if (idempotent !== undefined && typeof idempotent !== "boolean")
    refuseOption(`idempotent must be true or false; received ${show(idempotent)}`);
  if (compression !== undefined && !COMPRESSIONS.includes(compression)) {
    refuseOption(`compression must be one of ${COMPRESSIONS.join(", ")}; received ${show(compression)}`);
  }
  if (tls !== undefined) checkTls(tls);
  if (sasl !== undefined) checkSasl(sasl);
  if (kafkajs !== undefined) checkKafkajs(kafkajs, options);
}

function checkTls(tls: NonNullable<KafkaOptions["tls"]>): void {
  if (typeof tls === "boolean") return;
  if (!isObject(tls)) refuseOption(`tls must be true, false or an object; received ${show(tls)}`);
  requireKnown("tls: ", tls, TLS_SETTINGS);
  for (const [name, value] of Object.entries(tls)) {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      refuseOption(`tls.${name} must be a non-empty string; received ${show(value)}`);
    }
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) refuseOption("tls.cert and tls.key go together");
}

function checkSasl(sasl: KafkaSasl): void {
  if (!isObject(sasl)) refuseOption(`sasl must be an object; received ${show(sasl)}`);
  if (!MECHANISMS.includes(sasl.mechanism)) {
    refuseOption(`sasl.mechanism must be one of ${MECHANISMS.join(", ")}; others go into kafkajs.sasl`);
  }
  if (sasl.mechanism === "oauthbearer") {
    requireKnown("sasl: ", sasl, ["mechanism", "oauthBearerProvider"]);
    if (typeof sasl.oauthBearerProvider !== "function") {
      refuseOption("sasl.oauthBearerProvider must be a function that resolves to { value }, the token; it has no URL form");
    }
    return;
  }
  requireKnown("sasl: ", sasl, ["mechanism", "username", "password"]);
  for (const name of ["username", "password"] as const) {
    if (typeof sasl[name] !== "string" || sasl[name] === "") refuseOption(`sasl.${name} must be a non-empty string`);
  }
}

function checkKafkajs(kafkajs: Readonly<Record<string, unknown>>, { sasl, tls }: KafkaOptions): void {
  if (!isObject(kafkajs)) refuseOption(`kafkajs must be an object; received ${show(kafkajs)}`);
  requireKnown("kafkajs: ", kafkajs, Object.keys(KAFKAJS_SETTINGS));
  for (const [name, value] of Object.entries(kafkajs)) {
    if (value !== undefined && !KAFKAJS_SETTINGS[name]!(value)) refuseOption(`kafkajs.${name} cannot be ${show(value)}`);
  }
  if (kafkajs["sasl"] !== undefined && sasl !== undefined) refuseOption("sasl is given twice, once of them in kafkajs");
  if (kafkajs["ssl"] !== undefined && tls !== undefined) refuseOption("tls is given twice, once of them as kafkajs.ssl");
}

const DEFAULT_PORT = 9092;

/** `host`, `host:port`, `[address]:port`. @throws `configuration` */
export function parseBroker(broker: unknown): { readonly host: string; readonly port: number } {
  const match = typeof broker === "string" ? /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(broker) : null;
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (match === null || port < 1 || port > 65_535) {
    refuseOption(`a broker is host:port with a port from 1 to 65535; received ${show(broker)}`);
  }
  return { host: match[1] ?? match[2]!, port };
}
