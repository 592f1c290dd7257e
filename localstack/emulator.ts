import type { Fault } from "../src/driver/index.ts";
import type { TopicSettings } from "../src/topic-settings.ts";
import type { DamageOptions } from "./damage-options.ts";

/** A provider that runs in this process. Once it is closed, nothing of it can be used: that is an error `closed`. */
export interface Emulator extends AsyncDisposable {
  /** For `connect`; needs nothing else, credentials included. */
  readonly url: string;
  /** Rejects with `already-exists`, `invalid-argument`, `closed`. */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  /** Plans a fault: see `Fault`. @throws `invalid-argument` for a kind that there is not · `unsupported` for one that this provider cannot show · `closed` */
  inject(fault: Fault): void;
  /**
   * Damages what was stored last in a partition, so that no client can read it: a message, or on Kafka the batch that holds it.
   * For tests of what an application does then. Throws `not-found`, `invalid-argument` (no such partition, or an empty one), `closed`.
   * Absent: this emulator cannot show it.
   */
  damage?(topic: string, partition: string, options?: DamageOptions): void;
  /** Withdraws what has not happened yet. @throws `closed` */
  clearFaults(): void;
  /** Ends it, and forgets what was stored. Close connections first: afterwards that takes as long as their `timeoutMs`. Never rejects. */
  close(): Promise<void>;
}

/** `groups`: consumer groups that must exist first (Event Hubs). */
export type EmulatorTopic = TopicSettings & { groups?: readonly string[] | undefined };

/** Where it listens: what the command line offers beyond a test's needs. Of no meaning where nothing listens. */
export interface ListeningOptions extends EmulatorOptions {
  /** An address of this machine; `0.0.0.0`: all of them. @default 127.0.0.1 */
  host?: string | undefined;
  /** The name by which clients reach it, which the URL and the server's own answers hold. @default `host`; 127.0.0.1 where that is all addresses */
  advertisedHost?: string | undefined;
}

export interface EmulatorOptions {
  /** That exist from the start. */
  topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** To listen on, on 127.0.0.1; of no meaning where nothing listens. @default a free one */
  port?: number | undefined;
}
