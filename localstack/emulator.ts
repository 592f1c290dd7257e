import type { Emulator as ConformanceEmulator, EmulatorTopic } from "../src/conformance/index.ts";

export type { EmulatorTopic } from "../src/conformance/index.ts";

/** A provider that runs in this process. After `close`, every other method fails with `closed`. */
export interface Emulator extends ConformanceEmulator, AsyncDisposable {
  /** The URL for `connect`. It includes the credentials, so nothing else is needed. */
  readonly url: string;
  /** What programs need besides the URL that use the provider's own clients: `AWS_ENDPOINT_URL_KINESIS`, `PUBSUB_EMULATOR_HOST`, a connection string. Absent: nothing. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Withdraws the faults that have not been applied yet. @throws `closed` */
  clearFaults(): void;
  /** Ends the provider and drops its messages. Close connections first: later their `close` takes as long as their `timeoutMs`. Never rejects. */
  close(): Promise<void>;
}

/** The addresses of the emulator, for the command line. They have no effect on a provider that does not listen. */
export interface ListeningOptions extends EmulatorOptions {
  /** The address of this machine on which the emulator listens; `0.0.0.0`: all addresses. @default 127.0.0.1 */
  host?: string | undefined;
  /** The name by which clients reach the emulator, for its URL and its answers. @default `host`; 127.0.0.1 if `host` is all addresses */
  advertisedHost?: string | undefined;
}

export interface EmulatorOptions {
  /** Topics that exist from the start. */
  topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** The port. It has no effect on a provider that does not listen. @default a free one */
  port?: number | undefined;
}
