import type { Capabilities, Capability } from "../capabilities.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { AdminDriver, GroupName } from "./admin-driver.ts";
import type { ConsumerDriver, ConsumerSettings } from "./consumer-driver.ts";
import type { ProducerDriver } from "./producer-driver.ts";
import type { ReaderDriver } from "./reader-driver.ts";
import type { Report } from "./report.ts";

/**
 * A provider with its settings, as an adapter's factory and its opener return it. It holds no connection: each `open` makes what one
 * connection needs. Applications pass it to `connect` and call none of its methods.
 */
export interface Driver<Granted extends Capability = never> {
  readonly specVersion: 1;
  /** `"kafka"`, `"event-hubs"`, …: the URL scheme, the subpath of the package, `StreamError.provider`. */
  readonly provider: string;
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
  /** @returns why the provider would not take this name for a topic, or `null` if it would */
  refuseTopicName(name: string): string | null;
  /**
   * Would the provider take this name for a group? Where the application gave a native name, only that one counts; else the name from which
   * the driver makes the native one. The topic is not known here: what depends on both is `invalid-argument` at the first call.
   * @returns why the provider would not take it, or `null` if it would
   */
  refuseGroupName(name: GroupName): string | null;
  /** Makes the driver of one connection. Synchronous and without a network call. @throws `configuration` for settings that cannot be used */
  open(context: OpenContext): ProviderDriver;
}

/** A part of the provider, and whether it can be reached. */
export interface ReachedPart {
  /** `broker 2 at kafka-2:9092` */
  readonly name: string;
  readonly error: StreamError | null;
  /** What to do about the error; `null`: what is done about every error of its code. */
  readonly advice: string | null;
}

/** What a driver is opened with. */
export interface OpenContext {
  /** Takes what an adapter reports besides its results. Costs nothing without a subscriber; never give it a payload, key or credential. */
  readonly report: Report;
}

/**
 * The contract between the core and an adapter, `specVersion: 1`: what `Driver.open` returns. The core owns everything that is the same
 * for all providers; a driver moves bytes, maps names and classifies errors.
 *
 * - Names of topics are the provider's own; the core has mapped them.
 * - One object serves one connection. The core closes it once, after every producer, consumer and reader made by it; no method is
 *   called after `close`. Calls that are still open then (administration, `check`, `identity`) end soon, with any error: their signal
 *   has aborted, and applications see `closed`.
 * - Methods reject with a `StreamError`, or with anything: the core passes it through `classify`.
 * - Every `AbortSignal` is to be obeyed within one request: reject with its reason, unless the method says otherwise
 *   (`ProducerDriver.write`, `ReaderDriver.read`).
 * - A client that the application handed in is never closed or changed.
 */
export interface ProviderDriver {
  /** That of the `Driver`. */
  readonly provider: string;
  /** Those of the `Driver`. */
  readonly capabilities: Capabilities;
  /**
   * One cheap authorised request, made when the application asks for it; `connect` does not. Tried once, by the core and by the driver: its
   * error is the answer to the application. @throws what keeps the provider from being usable
   */
  check(signal: AbortSignal): Promise<void>;
  /**
   * For the doctor: the parts that have to be reachable besides the one that `check` asks, such as each broker at its own address, and
   * what is wrong with each. Leave it out where `check` covers everything. @throws what keeps the provider from answering
   */
  reach?(signal: AbortSignal): Promise<readonly ReachedPart[]>;
  /** What to do where the capability is missing, as the end of a sentence: `use the Azure portal`. Absent, or `null`: nothing is said. */
  adviceWithout?(capability: Capability): string | null;
  /** `capabilities`, only narrowed by what this topic really is (envelope, retention, tier). @throws `not-found` */
  topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities>;
  /** Which log the topic is now, for positions. Asked again at each use. @throws `not-found` */
  identity(topic: string, signal: AbortSignal): Promise<TopicIdentity>;
  producer(topic: string): ProducerDriver;
  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver;
  reader(topic: string): ReaderDriver;
  /** Always there: `describeTopic` and `describeGroup` need no capability. */
  readonly admin: AdminDriver;
  /** Order of two positions of one partition: negative, 0, positive. @throws `invalid-argument` for a malformed one */
  compare(a: string, b: string): number;
  /** Whether nothing can ever have been stored before this position in its partition. Leave it out where positions do not tell. */
  isFirst?(position: string): boolean;
  /** Any error of the SDK as ours, with itself as `cause`. A `StreamError` comes back as it is. What is not known is `internal` and not retryable. */
  classify(error: unknown): StreamError;
  /** Ends every connection, timer and handle, so that the process can exit. Never rejects. */
  close(): Promise<void>;
}

/**
 * A module given to `--adapter` exports this, as `openDriver`. Synchronous and without a network call, as `Driver.open`, which the core
 * calls next; called once for each connection, and connections with the same URL must see the same streams.
 * @throws `configuration` for a URL that it does not understand
 */
export type OpenDriver = (url: string) => Driver;
