import type { ProducerDriver } from "../driver/producer-driver.ts";
import type { KeyEntry } from "./key-cache.ts";
import type { Lane } from "./lane.ts";
import type { LaneTable } from "./lane-table.ts";
import type { PendingMessage } from "./pending-message.ts";
import { requireSendable } from "./require-sendable.ts";

/** Finds the lane of a message, and remembers the driver's answer for a key until it may be another one. */
export class LaneRouter {
  readonly #driver: ProducerDriver;
  readonly #lanes: LaneTable;

  constructor(driver: ProducerDriver, lanes: LaneTable) {
    this.#driver = driver;
    this.#lanes = lanes;
  }

  /** @throws what the driver throws: `invalid-argument` for a partition that does not exist */
  laneOf(message: PendingMessage, key: KeyEntry | null): Lane {
    if (key === null || message.toPartition !== undefined) return this.#named(this.#driver.laneOf(message.key, message.toPartition));
    if (key.generation !== this.#driver.laneGeneration || key.laneName === undefined) {
      key.laneName = this.#driver.laneOf(message.key, undefined);
      key.generation = this.#driver.laneGeneration;
      key.lane = null;
    }
    if (key.lane === null || key.lane.retired) key.lane = this.#named(key.laneName);
    return key.lane;
  }

  /**
   * Moves the messages that waited for the lanes to them, in the order of their calls. `refuse` is told those that the topic cannot take.
   * @returns the lanes that have got some
   */
  routeAll(refuse: (message: PendingMessage, error: unknown) => void): Set<Lane> {
    const { unrouted } = this.#lanes;
    const lanes = new Set<Lane>();
    for (const message of unrouted.messages()) {
      try {
        // One that is not encoded yet is checked when it is.
        if (message.state === "waiting") requireSendable(message, this.#driver);
        const lane = this.laneOf(message, null);
        lane.push(message);
        lanes.add(lane);
      } catch (error) {
        refuse(message, error);
      }
    }
    unrouted.clear();
    return lanes;
  }

  #named(name: string | null): Lane {
    return name === null ? this.#lanes.free : this.#lanes.named(name);
  }
}
