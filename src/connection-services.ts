import type { Capabilities, Capability } from "./capabilities.ts";
import type { GroupName } from "./driver/admin-driver.ts";
import type { ProviderDriver } from "./driver/provider-driver.ts";
import type { StreamError, StreamErrorDetails } from "./errors.ts";

/** A part of a connection that has to be closed with it. `stage`: consumers drain first, then producers, then readers. */
export interface Closable {
  readonly stage: "consumer" | "producer" | "reader";
  close(options?: { timeoutMs?: number | undefined }): Promise<void>;
}

/** What a connection does for its topics and its administration, which reach the connection by nothing else. */
export interface ConnectionServices {
  readonly driver: ProviderDriver;
  readonly provider: string;
  readonly capabilities: Capabilities;
  /** The provider's own name of a topic. */
  nativeTopic(topic: string): string;
  /** The same, checked before any request is made. @throws `invalid-argument` for a name that the provider does not take */
  checkedNativeTopic(topic: unknown): string;
  /** The name in the code that was given to a topic that the provider calls so, if any. */
  topicName(nativeTopic: string): string | undefined;
  /** A group with the provider's own name of it, checked before any request is made. @throws `invalid-argument` for a name that the provider does not take */
  checkedGroup(group: unknown): GroupName;
  /** The provider's own name of a group, where the application gave one. */
  nativeGroup(group: string): string | undefined;
  /** The name in the code that was given to a group that the provider calls so, if any. */
  groupName(nativeGroup: string): string | undefined;
  /** @throws `closed` once the connection closes */
  requireOpen(operation: string): void;
  /** @throws `unsupported` naming capability and provider */
  requireCapability(capability: Capability, operation: string, topic?: string): void;
  /** How long a call that has no deadline of its own is retried; 0: it is tried once. */
  retryForMs(): number;
  /** Any error as ours, classified by the driver, with the provider and these details filled in. */
  toError(error: unknown, where: Pick<StreamErrorDetails, "operation" | "topic">): StreamError;
  /** Aborts when the driver is about to be closed: calls that are still open end with its reason, which is `closed`. */
  readonly closing: AbortSignal;
  /** Closed with the connection until the returned function is called. */
  track(part: Closable): () => void;
}
