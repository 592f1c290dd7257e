import type { Emulator as ConformanceEmulator, EmulatorTopic } from "../src/conformance/index.ts";

export type { EmulatorTopic } from "../src/conformance/index.ts";

/** A provider that runs in this process. Once it is closed, each use of it is an error `closed`. */
export interface Emulator extends ConformanceEmulator, AsyncDisposable {
  /** For `connect`; needs nothing else, credentials included. */
  readonly url: string;
  /** Withdraws the faults that have not happened yet. @throws `closed` */
  clearFaults(): void;
  /** Ends it, and forgets what was stored. Close connections first: afterwards that takes as long as their `timeoutMs`. Never rejects. */
  close(): Promise<void>;
}

/** Where it listens: what the command line offers beyond a test's needs. Without effect where nothing listens. */
export interface ListeningOptions extends EmulatorOptions {
  /** An address of this machine; `0.0.0.0`: all of them. @default 127.0.0.1 */
  host?: string | undefined;
  /** The name by which clients reach it, which the URL and the server's own answers hold. @default `host`; 127.0.0.1 where that is all addresses */
  advertisedHost?: string | undefined;
}

export interface EmulatorOptions {
  /** Topics that exist from the start. */
  topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** The port on 127.0.0.1; without effect where nothing listens. @default a free one */
  port?: number | undefined;
}
