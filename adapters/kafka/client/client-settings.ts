import type { SdkSocketFactory } from "./sdk.ts";

/** The settings of connections. They hold credentials, so they must never be shown or reported. */
export interface ClientSettings {
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly clientId: string;
  /** Options of `node:tls`, or `null` for plain text. */
  readonly tls: object | null;
  /** The form that kafkajs accepts. */
  readonly sasl: object | null;
  readonly socketFactory: SdkSocketFactory | undefined;
  readonly connectionTimeoutMs: number;
  /** The time limit from the first packet to the end of the authentication. */
  readonly handshakeTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A connection is suspect when an answer is late by this time; see `SilenceWatch`. */
  readonly suspectMs: number;
  /** The time limit for the answer to a probe. */
  readonly probeMs: number;
  readonly reauthenticationThresholdMs: number | undefined;
}
