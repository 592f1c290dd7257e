import type { ProducerDriver } from "../driver/producer-driver.ts";
import { hasEscapedBytes, textToBytes } from "../text-bytes.ts";
import type { Lane } from "./lane.ts";
import type { LaneTable } from "./lane-table.ts";
import type { PendingMessage } from "./pending-message.ts";
import { requireSendable, unsupportedByTopic } from "./require-sendable.ts";

/** So many keys are remembered, each of at most `MAX_CHARACTERS`: enough for busy keys, and little memory for a million idle ones. */
const MAX_KEYS = 4_096;

const MAX_CHARACTERS = 256;

/** What the router remembers of a key. */
export class KeyEntry {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The key is empty, or has bytes that are not UTF-8. Where keys are texts, an empty key means no key. */
  readonly needsBinaryKeys: boolean;
  /** The answer of `laneOf` in this generation of the driver; `undefined`: not asked yet. */
  laneName: string | null | undefined = undefined;
  generation = -1;
  /** The lane of that name, unless it has been retired. */
  lane: Lane | null = null;

  constructor(text: string, bytes: Uint8Array, needsBinaryKeys: boolean) {
    this.text = text;
    this.bytes = bytes;
    this.needsBinaryKeys = needsBinaryKeys;
  }

  rememberLaneName(laneName: string | null, generation: number): void {
    this.laneName = laneName;
    this.generation = generation;
    this.lane = null;
  }

  rememberLane(lane: Lane): void {
    this.lane = lane;
  }
}

/** A bounded memory of keys, emptied when it is full. */
export class KeyCache {
  readonly #entries = new Map<string, KeyEntry>();

  get size(): number {
    return this.#entries.size;
  }

  /** @throws `invalid-argument` for text that stands for no bytes */
  entry(key: string): KeyEntry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry = new KeyEntry(key, textToBytes(key, "the key"), key === "" || hasEscapedBytes(key));
    if (key.length <= MAX_CHARACTERS) {
      if (this.#entries.size >= MAX_KEYS) this.#entries.clear();
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

/** Finds the lane of a message, and remembers the driver's answer for a key until that answer may change. */
export class LaneRouter {
  readonly #driver: ProducerDriver;
  readonly #lanes: LaneTable;

  constructor(driver: ProducerDriver, lanes: LaneTable) {
    this.#driver = driver;
    this.#lanes = lanes;
  }

  /** @throws `unsupported` for a partition where the topic lets nobody choose one · what the driver throws: `invalid-argument` for one that does not exist */
  laneOf(message: PendingMessage, key: KeyEntry | null): Lane {
    if (message.toPartition !== undefined && this.#driver.capabilities?.explicitPartition === false)
      throw unsupportedByTopic("explicitPartition");
    if (key === null || message.toPartition !== undefined) return this.#named(this.#driver.laneOf(message.key, message.toPartition));
    let { laneName } = key;
    if (key.generation !== this.#driver.laneGeneration || laneName === undefined) {
      laneName = this.#driver.laneOf(message.key, undefined);
      key.rememberLaneName(laneName, this.#driver.laneGeneration);
    }
    let { lane } = key;
    if (lane === null || lane.retired) {
      lane = this.#named(laneName);
      key.rememberLane(lane);
    }
    return lane;
  }

  /**
   * Moves the messages that waited for `prepare` to their lanes, in the order of their calls.
   * @param refuse called with each message that the topic cannot take
   * @returns the lanes that received messages
   */
  routeAll(refuse: (message: PendingMessage, error: unknown) => void): Set<Lane> {
    const { unrouted } = this.#lanes;
    const lanes = new Set<Lane>();
    for (const message of unrouted.messages()) {
      try {
        // A message that is not encoded yet is checked when it is.
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
