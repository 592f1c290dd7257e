import type { ReceivedEventData } from "@azure/event-hubs";
import type { PartitionPlace } from "../../../src/driver/index.ts";
import type { HubClients } from "../client/hub-clients.ts";
import { eventHubsError, isCoded } from "../errors.ts";
import { inFreeGroup } from "../hubs/free-group.ts";
import type { HubDirectory, PartitionInfo } from "../hubs/hub-directory.ts";
import { oneEventPump } from "../read/one-event-pump.ts";
import { passedPosition, positionOf } from "../records.ts";

export interface OffsetSearchParts {
  readonly clients: HubClients;
  readonly directory: HubDirectory;
  /** The consumer group of readers. */
  readonly readerGroup: string;
  /** How long a link waits each time. */
  readonly turnMs: number;
}

/** Up to and with this offset everything is handled. */
export interface HandledOffset {
  readonly hub: string;
  readonly group: string;
  readonly partition: string;
  readonly offset: string;
}

const MOST_TURNS = 20;

/**
 * Finds the place of an offset: places are ordered by sequence numbers, and a checkpoint of another client may have none. Only the service knows which event
 * an offset belongs to.
 */
export class OffsetSearch {
  readonly #parts: OffsetSearchParts;

  constructor(parts: OffsetSearchParts) {
    this.#parts = parts;
  }

  /**
   * The place behind the event of the offset. Where retention has passed it, the place is before the oldest event, so that it is found to be a gap.
   * @throws `position-mismatch` for an offset that the partition cannot have · `unavailable` where nothing comes
   */
  async find(handled: HandledOffset, signal: AbortSignal): Promise<PartitionPlace> {
    const { hub, group, partition, offset } = handled;
    const info = await this.#parts.directory.partition(hub, partition, signal);
    if (offset === info.lastOffset) return at(info.next);
    // Something came behind it, and nothing is left.
    if (info.begin === info.next) return beforeOldest(info);
    const { sequenceNumber, offset: found } = await inFreeGroup([this.#parts.readerGroup, group], (readIn) =>
      this.#firstFrom(handled, readIn, signal),
    );
    if (found === offset) return { kind: "after", position: positionOf(sequenceNumber, offset) };
    // Compaction has removed the event: all that is left from there on is unhandled.
    return sequenceNumber > info.begin ? at(sequenceNumber) : beforeOldest(info);
  }

  async #firstFrom({ hub, partition, offset }: HandledOffset, group: string, signal: AbortSignal): Promise<ReceivedEventData> {
    const { clients, turnMs: idleMs } = this.#parts;
    const start = { offset, isInclusive: true };
    await using pump = await oneEventPump(clients, { topic: hub, group, partition, start, idleMs }, signal);
    try {
      for (let turn = 0; turn < MOST_TURNS; turn += 1) {
        const pumped = await pump.next(signal);
        if (pumped.kind === "events") return pumped.events[0]!;
      }
    } catch (error) {
      if (!isCoded(error, "ArgumentError", "ArgumentOutOfRangeError")) throw error;
      const text = "the service refuses the offset of a checkpoint: it is behind the end, and belongs to another hub of the name";
      throw eventHubsError("position-mismatch", text, { topic: hub, partition, cause: error });
    }
    const text = "the event of a checkpoint's offset, or one behind it, has not come yet";
    throw eventHubsError("unavailable", text, { topic: hub, partition });
  }
}

function at(sequenceNumber: number): PartitionPlace {
  return { kind: "at", position: String(sequenceNumber) };
}

/** Nobody knows how many events are missing. One at least is taken for missing, be it the handled one itself: nothing is skipped without a word. */
function beforeOldest({ begin }: PartitionInfo): PartitionPlace {
  return { kind: "at", position: passedPosition(Math.max(0, begin - 1)) };
}
