/// <reference path="./kafkajs-modules.d.ts" />
import type { Socket } from "node:net";
import { type RequiredSdk, sdkNotLoaded } from "../../../src/adapter-kit/index.ts";
import { StreamError } from "../../../src/errors.ts";

/** This folder uses internal modules of this version. */
const KNOWN_VERSION = "2.2.4";

/** The used part of kafkajs's `Connection`: sockets with TLS, SASL with reauthentication, correlation of answers, request time-outs. */
export interface SdkConnection {
  readonly sasl: object | null;
  readonly socket: Socket | undefined;
  readonly requestQueue: SdkRequestQueue;
  readonly sessionLifetime: { toString(): string };
  reauthenticationThreshold: number;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  nextCorrelationId(): number;
  rejectRequests(error: Error): void;
}

interface SdkRequestQueue {
  readonly pending: readonly unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests: () => void;
  maybeThrottle(durationMs: number): void;
  push(request: {
    entry: {
      apiKey: number;
      apiName: string;
      apiVersion: number;
      correlationId: number;
      resolve: (answer: { payload: Buffer; size: number }) => void;
      reject: (error: Error) => void;
    };
    expectResponse: boolean;
    requestTimeout: number;
    sendRequest: () => void;
  }): void;
}

export interface SdkLogger {
  namespace(name: string): SdkLogger;
  info(message: string, details?: object): void;
  error(message: string, details?: object): void;
  warn(message: string, details?: object): void;
  debug(message: string, details?: object): void;
}

export interface SdkSocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl: object | null;
  readonly onConnect: () => void;
}

export type SdkSocketFactory = (request: SdkSocketRequest) => Socket;

interface SdkConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly logger: SdkLogger;
  readonly socketFactory: SdkSocketFactory;
  readonly ssl: object | null;
  readonly sasl: object | null;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
}

/** The used internal parts of kafkajs. */
export interface Sdk {
  readonly Connection: new (options: SdkConnectionOptions) => SdkConnection;
  readonly createSocketFactory: () => SdkSocketFactory;
}

/**
 * Loads kafkajs at the first use.
 * @throws `configuration` if it is missing or cannot be loaded
 */
export async function loadSdk(): Promise<Sdk> {
  // Applications without Kafka do not have kafkajs, so a bundler must not require it. Bundlers accept a missing module if `.catch` follows.
  const [connection, socketFactory] = await Promise.all([
    import(/* webpackIgnore: true */ "kafkajs/src/network/connection.js").catch(refuse) as Promise<{ default: Sdk["Connection"] }>,
    import(/* webpackIgnore: true */ "kafkajs/src/network/socketFactory.js").catch(refuse) as Promise<{
      default: Sdk["createSocketFactory"];
    }>,
  ]);
  return { Connection: connection.default, createSocketFactory: socketFactory.default };
}

const REQUIRED: RequiredSdk = {
  provider: "kafka",
  adapter: "Kafka",
  sdk: "kafkajs",
  packages: ["kafkajs"],
  known: `in version ${KNOWN_VERSION}`,
  install: `kafkajs@${KNOWN_VERSION}`,
};

/** The message says what is wrong, and how to fix it. */
function refuse(cause: unknown): never {
  const { message } = cause as Partial<Error>;
  if (!/dynamic require of|require is not defined/i.test(message ?? "")) throw sdkNotLoaded(REQUIRED, cause);
  const text =
    "kafkajs is CommonJS and was bundled into an ES module, where it cannot require what it needs: " +
    "leave it out of the bundle (esbuild: --external:kafkajs) and install it next to the bundle, or bundle as CommonJS";
  throw new StreamError("configuration", text, { provider: "kafka", cause });
}
