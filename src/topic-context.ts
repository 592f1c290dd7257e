import type { Capabilities, Capability } from "./capabilities.ts";
import type { Codec } from "./codec/codec.ts";
import type { ProviderDriver } from "./driver/provider-driver.ts";
import type { StreamError } from "./errors.ts";
import type { RecordSender } from "./record-sender.ts";

/** A part of a connection that has to be closed with it. `stage`: consumers drain first, then producers, then readers. */
export interface Closable {
  readonly stage: "consumer" | "producer" | "reader";
  close(options?: { timeoutMs?: number | undefined }): Promise<void>;
}

/**
 * What the portable classes of one topic share: the opened driver, names, the codec, and the connection's few services.
 * It is the only way from a producer, consumer or reader to the connection.
 */
export interface TopicContext<T = unknown, Input = T> {
  readonly driver: ProviderDriver;
  readonly provider: string;
  /** As the application calls it. */
  readonly topic: string;
  /** The provider's own name. */
  readonly nativeTopic: string;
  readonly capabilities: Capabilities;
  readonly codec: Codec<T, Input>;
  readonly keyRule: ((value: Input) => string | null) | undefined;
  readonly tombstones: boolean;
  /** The provider's own name of any topic. @throws `invalid-argument` for a name that the provider does not take */
  nativeTopicOf(topic: string): string;
  /** The provider's own name of a group, where the application gave one. */
  nativeGroup(group: string): string | undefined;
  /** @throws `closed` once the connection closes */
  requireOpen(operation: string): void;
  /** @throws `unsupported` naming capability and provider */
  requireCapability(capability: Capability, operation: string): void;
  /** How long a call is tried again that has no time of its own; 0: it is tried once. */
  callPatienceMs(): number;
  /** Any error as ours, classified by the driver, with provider, topic and operation filled in. */
  toError(error: unknown, operation: string): StreamError;
  /** Closed with the connection until the returned function is called. */
  track(part: Closable): () => void;
  /** Opens a sender of plain records to another topic of this connection, for dead letters. `topic` is the application's name. */
  recordSender(topic: string): RecordSender;
}
