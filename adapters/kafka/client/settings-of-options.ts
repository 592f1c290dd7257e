import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { kafkaError } from "../errors.ts";
import { type KafkaOptions, parseBroker } from "../options.ts";
import type { ClientSettings } from "./client-settings.ts";
import { oauthBearerAuthenticator } from "./oauth-bearer.ts";
import type { SdkSocketFactory } from "./sdk.ts";

const DEFAULT_CLIENT_ID = "streamport";
const CONNECTION_TIMEOUT_MS = 3_000;
/** Wrong credentials are an error within 5 seconds, even if the server does not answer. */
const AUTHENTICATION_TIMEOUT_MS = 1_500;
const REQUEST_TIMEOUT_MS = 30_000;
/** The part of the request time-out after which a connection is suspect. */
const SUSPECT_SHARE = 1 / 3;
const MAX_PROBE_MS = 2_000;

/** The client's settings from checked options. Reads the files that `tls` names. @throws `configuration` */
export function clientSettingsOf(options: KafkaOptions): ClientSettings {
  const { kafkajs = {} } = options;
  const milliseconds = (name: string): number | undefined => kafkajs[name] as number | undefined;
  const requestTimeoutMs = milliseconds("requestTimeout") ?? REQUEST_TIMEOUT_MS;
  const suspectMs = requestTimeoutMs * SUSPECT_SHARE;
  const connectionTimeoutMs = milliseconds("connectionTimeout") ?? CONNECTION_TIMEOUT_MS;
  return {
    brokers: options.brokers.map(parseBroker),
    clientId: options.clientId ?? DEFAULT_CLIENT_ID,
    tls: checkedTls(tlsOf(options)),
    sasl: saslOf(options),
    socketFactory: kafkajs["socketFactory"] as SdkSocketFactory | undefined,
    connectionTimeoutMs,
    handshakeTimeoutMs: connectionTimeoutMs + (milliseconds("authenticationTimeout") ?? AUTHENTICATION_TIMEOUT_MS),
    requestTimeoutMs,
    suspectMs,
    probeMs: Math.min(MAX_PROBE_MS, suspectMs),
    reauthenticationThresholdMs: milliseconds("reauthenticationThreshold"),
  };
}

/** The form that kafkajs accepts. */
function saslOf({ sasl, kafkajs }: KafkaOptions): object | null {
  if (sasl?.mechanism !== "oauthbearer") return sasl ?? (kafkajs?.["sasl"] as object | undefined) ?? null;
  return { mechanism: sasl.mechanism, authenticationProvider: oauthBearerAuthenticator(sasl.oauthBearerProvider) };
}

/** Options of `node:tls`. */
function tlsOf({ tls, kafkajs }: KafkaOptions): object | null {
  const own = kafkajs?.["ssl"];
  if (own !== undefined) return own === true ? {} : own === false ? null : own;
  if (tls === undefined || tls === false) return null;
  if (tls === true) return {};
  const { ca, cert, key, servername } = tls;
  return {
    ...(ca === undefined ? {} : { ca: [pem("ca", ca)] }),
    ...(cert === undefined ? {} : { cert: pem("cert", cert) }),
    ...(key === undefined ? {} : { key: pem("key", key) }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** Invalid certificates, or a key of another certificate, would otherwise look like a failure of the server at every attempt to connect. */
function checkedTls(tls: object | null): object | null {
  if (tls === null) return null;
  try {
    createSecureContext(tls);
    return tls;
  } catch (cause) {
    throw kafkaError("configuration", "kafka options: tls: the certificates or the key cannot be used, or do not belong together", {
      cause,
    });
  }
}

function pem(name: string, given: string): string {
  if (given.includes("-----BEGIN")) return given;
  try {
    return readFileSync(given, "utf8");
  } catch (cause) {
    throw kafkaError("configuration", `kafka options: tls.${name} is neither a PEM text nor the path of a file that can be read`, {
      cause,
    });
  }
}
