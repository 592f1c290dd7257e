import type { ConsumerDriver, ConsumerSettings, Settlement, Sink, StreamError } from "../../src/driver/index.ts";
import { leaseConsumer } from "../../src/leases/index.ts";
import { classify, ociError } from "./errors.ts";
import { groupParts } from "./group/group-parts.ts";
import type { OciService } from "./service.ts";

/** One member of a group, whose partitions are owned by leases in Object Storage. */
export class OciConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #service: OciService;
  readonly #topic: string;
  readonly #settings: ConsumerSettings;
  #member: ConsumerDriver | null = null;
  #isClosed = false;

  constructor(service: OciService, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const { maxBufferedBytes: bufferedBytes, initialPosition: initial } = this.#settings;
    const parts = await groupParts(this.#service, this.#topic, this.#settings, { bufferedBytes, initial, signal });
    if (this.#isClosed) throw ociError("closed", "the consumer was closed while it was starting");
    this.#member = leaseConsumer(parts, this.#settings);
    await this.#member.start(sink, signal);
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    if (this.#member === null) throw classify(new Error("the consumer was used before it had joined its group"));
    return this.#member.settle(settlements, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#member?.close();
  }
}
