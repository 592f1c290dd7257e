import type { ConsumerDriver, ConsumerSettings, Settlement, Sink, StreamError } from "../../src/driver/index.ts";
import { leaseConsumer } from "../../src/leases/index.ts";
import { classify, eventHubsError } from "./errors.ts";
import { groupParts } from "./group/group-parts.ts";
import { parsePosition } from "./records.ts";
import type { EventHubsService } from "./service.ts";

/** One member of a group, whose partitions are owned by leases in Blob Storage. */
export class EventHubsConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #service: EventHubsService;
  readonly #topic: string;
  readonly #settings: ConsumerSettings;
  #member: ConsumerDriver | null = null;
  #isClosed = false;

  constructor(service: EventHubsService, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const parts = await groupParts(this.#service, this.#topic, this.#settings, this.#settings.maxBufferedBytes);
    if (this.#isClosed) throw eventHubsError("closed", "the consumer was closed while it was starting");
    this.#member = leaseConsumer(parts, this.#settings);
    await this.#member.start(sink, signal);
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    if (this.#member === null) throw classify(new Error("the consumer was used before it had joined its group"));
    return this.#member.settle(settlements.map(withShortPositions), signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#member?.close();
  }
}

/** What is handled ahead is told by sequence numbers alone: offsets would take most of the room that a blob has for it. */
function withShortPositions(settlement: Settlement): Settlement {
  const { ahead } = settlement;
  if (ahead === null) return settlement;
  return { ...settlement, ahead: { upTo: shortOf(ahead.upTo), except: ahead.except.map(shortOf) } };
}

function shortOf(position: string): string {
  return String(parsePosition(position).sequenceNumber);
}
