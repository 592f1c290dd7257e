import type { Connection } from "../connection-types.ts";
import type { Fault } from "../driver/fault.ts";
import type { TopicSettings } from "../topic-settings.ts";

/** What the cases run against. */
export interface ConformanceTarget {
  /** A new connection each time, to the same provider: what one stores, another reads. */
  connect(): Promise<Connection>;
  /** Lent to one case at a time, instead of topics that the cases make: where they cannot, or may not. */
  topics?: readonly string[] | undefined;
  /** Lent with the topics: where groups must exist first, or may not have other names. */
  groups?: readonly string[] | undefined;
  /** For faults. */
  emulator?: Emulator | undefined;
  /** As that of an emulator, where a real server can be made to do it: resolves when it is done. */
  compact?: ((topic: string) => Promise<void>) | undefined;
  /** As that of an emulator, for good. */
  damage?: ((topic: string, partition: string) => Promise<void>) | undefined;
}

/** The part of an emulator that the suite uses; `streamport/emulators` starts such ones. */
export interface Emulator {
  /** For targets whose provider has no administration of topics. */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  /** @throws `unsupported` for a kind that this emulator cannot show */
  inject(fault: Fault): void;
  /**
   * Log compaction, now: superseded messages of a key, and tombstones, are removed up to the end of the log. The positions of
   * the rest stay, and so does the end of the log. Absent: this emulator cannot show it.
   */
  compact?(topic: string): void;
  /**
   * What was stored last in the partition cannot be read any more: a message, or what it was stored together with. Absent: this
   * emulator cannot show it.
   * @param options.times how often it is handed out damaged before it is sound again; absent: always
   */
  damage?(topic: string, partition: string, options?: { times?: number | undefined }): void;
}

/** `groups`: consumer groups that must exist first (Event Hubs). */
export type EmulatorTopic = TopicSettings & { groups?: readonly string[] | undefined };
