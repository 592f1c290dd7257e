import type { Capabilities, Capability } from "./capabilities.ts";
import type { Codec } from "./codec/codec.ts";
import type { Closable } from "./connection-services.ts";
import type { GroupName } from "./driver/admin-driver.ts";
import type { ProviderDriver } from "./driver/provider-driver.ts";
import type { StreamError } from "./errors.ts";
import type { RecordSender } from "./record-sender.ts";

/**
 * What the portable classes of one topic share: the open driver, names, and the services of the connection. A producer, consumer or
 * reader reaches the connection only through it.
 */
export interface TopicContext {
  readonly driver: ProviderDriver;
  readonly provider: string;
  /** As the application calls it. */
  readonly topic: string;
  /** The provider's own name. */
  readonly nativeTopic: string;
  readonly capabilities: Capabilities;
  /** The provider's own name of any topic. @throws `invalid-argument` for a name that the provider does not take */
  nativeTopicOf(topic: string): string;
  /** A group with the provider's own name of it. @throws `invalid-argument` for a name that the provider does not take */
  checkedGroup(group: string): GroupName;
  /** @throws `closed` once the connection closes */
  requireOpen(operation: string): void;
  /** @throws `unsupported` naming capability and provider */
  requireCapability(capability: Capability, operation: string): void;
  /** How long a call that has no deadline of its own is retried; 0: it is tried once. */
  retryForMs(): number;
  /** Any error as ours, classified by the driver, with provider, topic and operation filled in. */
  toError(error: unknown, operation: string): StreamError;
  /** Aborts when the driver is about to be closed: calls that are still open end with its reason, which is `closed`. */
  readonly closing: AbortSignal;
  /** Closed with the connection until the returned function is called. */
  track(part: Closable): () => void;
  /** Opens a sender of plain records to another topic of this connection, for dead letters. `topic` is the application's name. */
  recordSender(topic: string): RecordSender;
}

/** A topic whose values have a type. */
export interface TypedTopic<T = unknown, Input = T> extends TopicContext {
  readonly codec: Codec<T, Input>;
  readonly keyRule: ((value: Input) => string | null) | undefined;
  readonly tombstones: boolean;
}
