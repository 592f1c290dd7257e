import type { SdkSocketFactory } from "./sdk.ts";

/** How brokers are reached. Holds credentials: never shown, never reported. */
export interface ClientSettings {
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly clientId: string;
  /** Options of `node:tls`, or `null` for plain text. */
  readonly tls: object | null;
  /** As kafkajs takes it. */
  readonly sasl: object | null;
  readonly socketFactory: SdkSocketFactory | undefined;
  readonly connectionTimeoutMs: number;
  /** From the first packet to the end of the authentication. */
  readonly handshakeTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** An answer that is late by this makes a connection suspect; see `SilenceWatch`. */
  readonly suspectMs: number;
  /** How long an answer to a probe is waited for. */
  readonly probeMs: number;
  readonly reauthenticationThresholdMs: number | undefined;
}
