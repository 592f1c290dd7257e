import type { Admin } from "./admin/admin-types.ts";
import type { CallOptions, CloseOptions } from "./call-options.ts";
import type { Capabilities, Capability } from "./capabilities.ts";
import type { Driver } from "./driver/provider-driver.ts";
import type { StreamError } from "./errors.ts";
import type { OrTombstone, Topic, TopicOptions } from "./topic-types.ts";

/** The capabilities that a driver's type grants; a URL grants none. */
export type GrantedBy<Target> = [Target] extends [Driver<infer Granted>] ? Granted : never;

export interface ConnectOptions<Required extends Capability = never> {
  /** The capabilities that the application needs. The compiler then allows the calls that need them. */
  require?: readonly Required[] | undefined;
  /** The provider's own names of topics, by the name in the code: `{ orders: "orders-v1-eu" }`. In the URL: `?topic.orders=orders-v1-eu`. */
  topics?: Readonly<Record<string, string | undefined>> | undefined;
  /** The provider's own names of groups (subscription, lease table, consumer group). In the URL: `?group.billing=…`. */
  groups?: Readonly<Record<string, string | undefined>> | undefined;
}

/** @typeParam Granted capabilities known to hold: required ones, and those of a driver made by a factory. */
export interface Connection<Granted extends Capability = never> extends AsyncDisposable {
  /** `"kafka"`, `"event-hubs"`, …: the URL scheme, the subpath of the package, `StreamError.provider`. */
  readonly provider: string;
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
  readonly admin: Admin<Granted>;
  /** Describes a topic. Opens nothing: a missing topic shows at the first send or read, or by `admin.describeTopic`. */
  topic<T, Input = T, Tombstones extends boolean = false>(
    name: string,
    options: TopicOptions<T, Input, Tombstones>,
  ): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>>;
  /** Whether the provider can be reached and accepts the credentials. Never rejects, except by `signal`. */
  check(options?: CallOptions): Promise<Health>;
  /** Consumers drain first (their handlers may still send), then producers flush, then readers and the client close. */
  close(options?: CloseOptions): Promise<void>;
}

export interface Health {
  readonly ok: boolean;
  readonly latencyMs: number;
  readonly error: StreamError | null;
}
