import type { Capabilities, Capability } from "../capabilities.ts";
import type { ProviderDriver } from "../driver/provider-driver.ts";
import type { StreamError } from "../errors.ts";

/** What the connection does for its administration. */
export interface AdminServices {
  readonly driver: ProviderDriver;
  readonly provider: string;
  readonly capabilities: Capabilities;
  /** The provider's own name of a topic. */
  nativeTopic(topic: string): string;
  /** The name in the code that was given to a topic that the provider calls so, if any. */
  topicName(nativeTopic: string): string | undefined;
  /** The provider's own name of a group, where the application gave one. */
  nativeGroup(group: string): string | undefined;
  /** The name in the code that was given to a group that the provider calls so, if any. */
  groupName(nativeGroup: string): string | undefined;
  /** @throws `closed` once the connection closes */
  requireOpen(operation: string): void;
  /** @throws `unsupported` naming capability and provider */
  requireCapability(capability: Capability, operation: string): void;
  /** How long a call is tried again; 0: it is tried once. */
  callPatienceMs(): number;
  /** Any error as ours, classified by the driver, with provider, operation and topic filled in. */
  toError(error: unknown, operation: string, topic: string | undefined): StreamError;
}
