import type { Connection } from "../connection-types.ts";
import type { Fault, FaultKind } from "../driver/fault.ts";
import type { TopicSettings } from "../topic-settings.ts";

/** What the cases run against. */
export interface ConformanceTarget {
  /** A new connection each time, to the same provider: what one stores, another reads. */
  connect(): Promise<Connection>;
  /** Lent to one case at a time, instead of topics that the cases make: where they cannot, or may not. */
  topics?: readonly string[] | undefined;
  /** Lent with the topics: where groups must exist first, or may not have other names. */
  groups?: readonly string[] | undefined;
  /** For faults, retention and compaction. */
  emulator?: Emulator | undefined;
  /** As that of an emulator, where a real server can be made to do it: resolves when it is done. */
  compact?: ((topic: string) => Promise<void>) | undefined;
  /** As that of an emulator, where a real server can be made to do it: resolves when it is done. */
  expire?: ((topic: string) => Promise<void>) | undefined;
  /** As that of an emulator, for good. */
  damage?: ((topic: string, partition: string) => Promise<void>) | undefined;
}

/** An emulator as the suite uses it; `streamport/emulators` starts such ones. */
export interface Emulator {
  /** Rejects with `already-exists`, `invalid-argument`, `closed`. */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  /** The kinds that it can show. Cases that need another one are `environment-missing`; cases that take any kind take these. */
  readonly faultKinds: readonly FaultKind[];
  /**
   * Plans a fault: see `Fault`. A promise resolves once the fault is planned: the case makes its next call only then.
   * @throws `invalid-argument` for an unknown kind · `unsupported` for one that is not in `faultKinds`, and for an `operation` that this emulator cannot tell apart · `closed`
   */
  inject(fault: Fault): void | Promise<void>;
  /**
   * Compacts the topic now: superseded messages of a key, and tombstones, are removed up to the end of the log. The positions of
   * the rest stay, and so does the end of the log. Absent: this emulator cannot show it. Rejects with `not-found`, `closed`.
   */
  compact?(topic: string): Promise<void>;
  /**
   * Removes what is stored in the topic now, as retention does once it has passed: positions are not used again. Absent: this emulator
   * cannot show it. Rejects with `not-found`, `closed`.
   */
  expire?(topic: string): Promise<void>;
  /**
   * Damages what was stored last in a partition, so that no client can read it: a message, or what it was stored together with (on
   * Kafka its batch). Absent: this emulator cannot show it. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty · `closed`
   * @param options.times how often the damaged bytes are read before sound ones are; absent: always
   */
  damage?(topic: string, partition: string, options?: { times?: number | undefined }): void;
}

/** `groups`: consumer groups that must exist first (Event Hubs). */
export type EmulatorTopic = TopicSettings & { groups?: readonly string[] | undefined };

/** What an `OpenEmulator` opens. */
export interface OpenedEmulator extends Emulator {
  /** Where the adapter reaches it, if it has started a server of its own. @default the URL that it was opened with */
  readonly url?: string | undefined;
  /** Ends what it has started. Called once, after the last case. */
  close?(): Promise<void>;
}

/**
 * A module given to `conformance --emulator` exports this, as `openEmulator`. Called once, before the first connection. The faults that
 * it plans must reach the connections of the adapter: those to its `url`, else to the URL of the command.
 */
export type OpenEmulator = (url: string) => OpenedEmulator | Promise<OpenedEmulator>;
