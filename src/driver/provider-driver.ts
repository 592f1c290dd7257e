import type { Capabilities, Capability } from "../capabilities.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { AdminDriver } from "./admin-driver.ts";
import type { ConsumerDriver, ConsumerSettings } from "./consumer-driver.ts";
import type { ProducerDriver } from "./producer-driver.ts";
import type { ReaderDriver } from "./reader-driver.ts";
import type { Report } from "./report.ts";

/** What an application sees of a driver; its methods are below and not meant to be called by applications. */
export interface Driver<Granted extends Capability = never> {
  readonly specVersion: 1;
  /** `"kafka"`, `"event-hubs"`, …: the URL scheme, the subpath of the package, `StreamError.provider`. */
  readonly provider: string;
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
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
  /** What an adapter has to tell. Costs nothing when nobody listens; never give it a payload, key or credential. */
  readonly report: Report;
}

/**
 * The contract between the core and an adapter, `specVersion: 1`. The core owns everything that is the same for all
 * providers; a driver moves bytes, maps names and classifies errors.
 *
 * - Names of topics are the provider's own; the core has mapped them.
 * - One driver serves one connection. The core opens it once, before anything else, and closes it once, after every
 *   producer, consumer and reader made by it; no method is called after `close`.
 * - Methods reject with a `StreamError`, or with anything: the core passes it through `classify`.
 * - Every `AbortSignal` is to be obeyed within one request: reject with its reason, unless the method says otherwise
 *   (`ProducerDriver.write`, `ReaderDriver.read`).
 * - A client that the application handed in is never closed or changed.
 */
export interface ProviderDriver<Granted extends Capability = never> extends Driver<Granted> {
  /** Keeps the context. No network call. @throws `configuration` when it has been opened before */
  open(context: OpenContext): void;
  /** One cheap authorised request, made when the application asks for it; `connect` does not. @throws what keeps the provider from being usable */
  check(signal: AbortSignal): Promise<void>;
  /**
   * For the doctor: what else has to be reached beside what `check` asks, such as each broker at its own address, and what is wrong with it.
   * Leave it out where `check` says it all. @throws what keeps the provider from telling
   */
  reach?(signal: AbortSignal): Promise<readonly ReachedPart[]>;
  /** @returns why the provider would not take this name for a topic, or `null` if it would */
  refuseTopicName(name: string): string | null;
  /** `capabilities`, only narrowed by what this topic really is (envelope, retention, tier). @throws `not-found` */
  topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities>;
  /** Which log the topic is now, for positions. Asked again at each use. @throws `not-found` */
  identity(topic: string, signal: AbortSignal): Promise<TopicIdentity>;
  producer(topic: string): ProducerDriver;
  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver;
  reader(topic: string): ReaderDriver;
  /** Always there: `describeTopic`, `listTopics` and `describeGroup` stand behind no capability. */
  readonly admin: AdminDriver;
  /** Order of two positions of one partition: negative, 0, positive. @throws `invalid-argument` for a malformed one */
  compare(a: string, b: string): number;
  /** Any error of the SDK as ours, with itself as `cause`. A `StreamError` comes back as it is. What is not known is `internal` and not retryable. */
  classify(error: unknown): StreamError;
  /** Ends every connection, timer and handle, so that the process can exit. Never rejects. */
  close(): Promise<void>;
}

/**
 * A module given to `--adapter` exports this, as `openDriver`. Synchronous and without a network call, like
 * `ProviderDriver.open`; called once a connection, and connections with the same URL must see the same streams.
 * @throws `configuration` for a URL that it does not understand
 */
export type OpenDriver = (url: string) => ProviderDriver;
