import type { CallOptions } from "./call-options.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Codec } from "./codec/codec.ts";
import type { Consumer, ConsumerOptions } from "./consume/consumer-types.ts";
import type { Producer, ProducerOptions } from "./publish/producer-types.ts";
import type { Reader, ReaderOptions } from "./replay/reader-types.ts";

/** @typeParam T what is received. @typeParam Input what is sent; differs where a schema transforms. */
export interface Topic<T, Input = T> {
  readonly name: string;
  /** The connection's capabilities, narrowed to those of this topic (envelope, retention, tier). Makes one request to the provider. */
  capabilities(options?: CallOptions): Promise<Capabilities>;
  producer(options?: ProducerOptions): Producer<Input>;
  consumer(options: ConsumerOptions): Consumer<T>;
  reader(options?: ReaderOptions): Reader<T>;
}

export interface TopicOptions<T, Input = T, Tombstones extends boolean = false> {
  codec: Codec<T, Input>;
  /** The key of a message sent without one. Messages of one key keep their order; `null` means no key and no order. */
  key?: ((value: Input) => string | null) | undefined;
  /** Allows `value: null` (delete marker) both ways. Without it a received tombstone is a failing message (`corrupt`). @default false */
  tombstones?: Tombstones | undefined;
}

export type OrTombstone<T, Tombstones extends boolean> = Tombstones extends true ? T | null : T;
