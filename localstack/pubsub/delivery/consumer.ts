import type { Lease } from "./lease.ts";

/** Who receives messages of a subscription: a stream, or one unary Pull. */
export interface Consumer {
  /** By which a stream that is opened again is known; empty: by nothing. */
  readonly clientId: string;
  /** How long a lease is at first. */
  readonly ackDeadlineMs: number;
  /** Whether it takes messages now: its flow control and its connection allow it. */
  readonly hasRoom: boolean;
  /** A unary Pull: the messages of one ordering key are outstanding in one answer only. */
  readonly isSingle: boolean;
  /** Asked before the first message of an answer, with messages at hand. `false`: it takes none for now. */
  prepare(): boolean;
  /** No other message is delivered to it before these, which go out together when `flush` is called. */
  deliver(lease: Lease): void;
  flush(): void;
  /** A lease of it is over. */
  released(lease: Lease): void;
}
