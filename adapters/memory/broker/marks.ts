import type { PartitionPlace, Place, StartPoint } from "../../../src/driver/index.ts";
import { memoryError } from "../errors.ts";
import { resolvePlace } from "./places.ts";
import type { MemoryTopic } from "./topic.ts";

/** What was read of a log: everything before an index, and single records at or behind it. */
export interface Mark {
  readonly from: number;
  readonly read: ReadonlySet<number>;
}

/** A mark, and until when it can be used. */
interface KeptMark {
  readonly mark: Mark;
  readonly untilMs: number;
}

/** The marks of a topic, by name. */
export class Marks {
  readonly #marks = new Map<string, KeptMark>();
  #made = 0;

  /** @param lifetimeMs `null`: as long as the topic @returns the place that names the mark */
  add(mark: Mark, lifetimeMs: number | null): Place {
    this.#dropOld();
    this.#made += 1;
    const name = String(this.#made);
    this.#marks.set(name, { mark, untilMs: lifetimeMs === null ? Infinity : Date.now() + lifetimeMs });
    return { kind: "mark", name };
  }

  /** @returns `undefined`: the topic never had it, or its life is over */
  get(name: string): Mark | undefined {
    this.#dropOld();
    return this.#marks.get(name)?.mark;
  }

  /** Looked at with each access, so that it needs no timer. */
  #dropOld(): void {
    const nowMs = Date.now();
    for (const [name, { untilMs }] of this.#marks) if (untilMs <= nowMs) this.#marks.delete(name);
  }
}

/** Where a start lies in the one partition of a topic whose places are marks. */
export interface MarkedStart {
  /** Only `latest` does not mean the same later, or in another process: a new mark does. */
  readonly place: Place;
  readonly mark: Mark;
}

/**
 * @throws `position-out-of-range` for a mark that the topic does not have, or no longer · `unsupported` for a message, because such a
 * provider cannot start at one · as `resolvePlace`
 */
export function resolveMarked(topic: MemoryTopic, start: StartPoint): MarkedStart {
  const partition = topic.open[0]!;
  topic.trim();
  const place = placeIn(start, partition.id);
  switch (place.kind) {
    case "mark": {
      const mark = topic.marks.get(place.name);
      if (mark !== undefined) return { place, mark };
      const text = `topic ${JSON.stringify(topic.name)} has no mark ${JSON.stringify(place.name)}, or no longer: marks have a limited life`;
      throw memoryError("position-out-of-range", text, { topic: topic.name, partition: partition.id });
    }
    case "earliest":
    case "latest":
    case "timestamp":
      return { place, mark: { from: resolvePlace(topic.name, partition, place).index, read: new Set() } };
    case "at":
    case "after":
    case "ended":
      throw memoryError("unsupported", "this form of the provider cannot start at a message: use earliest, latest, a time or a bookmark", {
        topic: topic.name,
        capability: "startAtPosition",
      });
  }
}

function placeIn(start: StartPoint, partition: string): PartitionPlace {
  if (start.kind === "places") return start.places.get(partition) ?? { kind: "earliest" };
  return start.kind === "position" ? start.place : start;
}
