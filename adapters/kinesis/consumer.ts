import type { ConsumerDriver, ConsumerSettings, Settlement, Sink, StreamError } from "../../src/driver/index.ts";
import { leaseConsumer } from "../../src/leases/index.ts";
import { type KinesisGroupParts, groupParts } from "./group/group-parts.ts";
import type { KinesisService } from "./service.ts";

/** One member of a group, whose shards are owned by leases in DynamoDB. */
export class KinesisConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #service: KinesisService;
  readonly #topic: string;
  readonly #parts: KinesisGroupParts;
  readonly #settings: ConsumerSettings;
  readonly #member: ConsumerDriver;

  constructor(service: KinesisService, topic: string, settings: ConsumerSettings) {
    const { initialPosition: initial, maxBufferedBytes: bufferedBytes } = settings;
    this.#parts = groupParts(service, topic, settings, { initial, bufferedBytes });
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
    this.#member = leaseConsumer(this.#parts, settings);
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const { sessionTimeoutMs, initialPosition } = this.#settings;
    const isRefused = sessionTimeoutMs < (this.#parts.leastSessionMs ?? 0);
    // A new table takes longer than the engine waits for a write. Nothing is created for a stream that there is not, nor where the group must exist.
    if (!isRefused && initialPosition !== "fail") {
      await this.#service.directory.usable(this.#topic, signal);
      await this.#parts.store.ensureTables(signal);
    }
    await this.#member.start(sink, signal);
  }

  settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    return this.#member.settle(settlements, signal);
  }

  close(): Promise<void> {
    return this.#member.close();
  }
}
