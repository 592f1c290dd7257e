import type { Place, StartPoint } from "../../../src/driver/index.ts";
import { memoryError } from "../errors.ts";
import { resolveStart } from "./places.ts";
import type { MemoryTopic } from "./topic.ts";

/** What was read of a log: everything before an index, and single records at or behind it. */
export interface Mark {
  readonly from: number;
  readonly read: ReadonlySet<number>;
}

/** The marks of a topic, by name. They live as long as the topic. */
export class Marks {
  readonly #marks = new Map<string, Mark>();

  /** @returns the place that names the mark */
  add(mark: Mark): Place {
    const name = String(this.#marks.size + 1);
    this.#marks.set(name, mark);
    return { kind: "mark", name };
  }

  get(name: string): Mark | undefined {
    return this.#marks.get(name);
  }
}

/** Where a start lies in the one partition of a topic whose places are marks. */
export interface MarkedStart {
  /** The place that means the same in another process; `null`: only a new mark does. */
  readonly place: Place | null;
  readonly mark: Mark;
}

/** @throws `position-out-of-range` for a mark that the topic does not have · as `resolveStart` */
export function resolveMarked(topic: MemoryTopic, start: StartPoint): MarkedStart {
  const partition = topic.open[0]!;
  const place = start.kind === "places" ? start.places.get(partition.id) : undefined;
  if (place?.kind === "mark") {
    const mark = topic.marks.get(place.name);
    if (mark !== undefined) return { place, mark };
    const text = `topic ${JSON.stringify(topic.name)} has no mark ${JSON.stringify(place.name)}`;
    throw memoryError("position-out-of-range", text, { topic: topic.name, partition: partition.id });
  }
  const resolved = resolveStart(topic, start).get(partition.id)!;
  const from = resolved === "ended" ? partition.log.endIndex : resolved.index;
  return { place: start.kind === "earliest" || start.kind === "timestamp" ? start : null, mark: { from, read: new Set() } };
}
