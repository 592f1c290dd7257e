import { isDeepStrictEqual } from "node:util";
import type { TopicShape } from "../adapter-kit/partition-source.ts";
import { type Moment, elapsedMs, momentOf } from "./clock.ts";
import type { LeaseRow } from "./lease-row.ts";
import type { MemberParts } from "./member-parts.ts";
import { missingParents } from "./parent-gate.ts";

/** The topic as a member has listed it last. What is decided by it says how young the list must be. */
export class TopicView {
  readonly #parts: Pick<MemberParts, "source" | "clock" | "times">;
  readonly #gone = new Set<string>();
  #shape: TopicShape | null = null;
  #listed: ReadonlySet<string> = new Set();
  #listedAt: Moment | null = null;
  #hasChanged = false;

  constructor(parts: Pick<MemberParts, "source" | "clock" | "times">) {
    this.#parts = parts;
  }

  /** Lists the topic anew. */
  async refresh(signal: AbortSignal): Promise<TopicShape> {
    // A list is as old as its request: the process may have stood still before it had the answer.
    const askedAt = momentOf(this.#parts.clock);
    const shape = await this.#parts.source.describe(signal);
    if (!isDeepStrictEqual(shape, this.#shape)) this.#hasChanged = true;
    this.#shape = shape;
    this.#listed = new Set(shape.partitions.map(({ partition }) => partition));
    this.#listedAt = askedAt;
    return shape;
  }

  /** Lists the topic anew if the list is so old. @returns whether it shows another topic, or other partitions, than when a turn began last */
  async hasChanged(ageMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.isOlderThan(ageMs)) await this.refresh(signal);
    return this.#hasChanged;
  }

  /** A turn begins with the topic as it is listed now. */
  beginTurn(): void {
    this.#hasChanged = false;
  }

  /** Forgets what was found out about another topic of the name. */
  clear(): void {
    this.#gone.clear();
  }

  /** @throws before the first `refresh` */
  get shape(): TopicShape {
    if (this.#shape === null) throw new Error("the topic has not been listed");
    return this.#shape;
  }

  get listed(): ReadonlySet<string> {
    return this.#listed;
  }

  isOlderThan(ms: number): boolean {
    return this.#listedAt === null || elapsedMs(this.#listedAt, this.#parts.clock) >= ms;
  }

  /** Parents that the service no longer lists, and that have no row. */
  get gone(): ReadonlySet<string> {
    return this.#gone;
  }

  /** Finds out which parents of these rows are gone. @returns whether one without a row is listed: it gets its row in the next turn */
  async findGone(rows: ReadonlyMap<string, LeaseRow>, signal: AbortSignal): Promise<boolean> {
    const unknown = missingParents(rows).filter((parent) => !this.#gone.has(parent));
    if (unknown.length === 0) return false;
    await this.refresh(signal);
    const { listed } = this;
    for (const parent of unknown) if (!listed.has(parent)) this.#gone.add(parent);
    return unknown.some((parent) => listed.has(parent));
  }
}
