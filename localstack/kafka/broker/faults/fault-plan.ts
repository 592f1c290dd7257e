import type { PlannedFault } from "./fault-effect.ts";
import { type CallSubject, type RequestFault, RequestFaults } from "./request-faults.ts";

interface Planned extends PlannedFault {
  /** The number of the next variant. Every request that gets the fault or is spared advances it. */
  turn: number;
}

/** The faults that have not been applied yet, in the order in which they were planned. */
export class FaultPlan {
  readonly #firstTurn: number;
  /** How many faults of each kind have been planned for each topic. The next one begins with the next variant, whatever is planned for other topics. */
  readonly #begun = new Map<string, number>();
  #planned: Planned[] = [];

  /** @param firstTurn the variant with which the first fault of each kind begins */
  constructor(firstTurn = 0) {
    this.#firstTurn = firstTurn;
  }

  add(planned: PlannedFault): void {
    if (planned.times === 0) return;
    const name = `${planned.kind} ${planned.topic ?? ""}`;
    const begun = this.#begun.get(name) ?? 0;
    this.#begun.set(name, begun + 1);
    this.#planned.push({ ...planned, turn: this.#firstTurn + begun });
  }

  /** Withdraws the faults that have not been applied yet. */
  clear(): void {
    this.#planned = [];
  }

  get isEmpty(): boolean {
    return this.#planned.length === 0;
  }

  /** Counts the request. @returns the faults that apply to it */
  take(api: string, subject: CallSubject): RequestFaults {
    const applied: RequestFault[] = [];
    for (const planned of this.#planned) {
      if (!appliesTo(planned, api, subject)) continue;
      const { variants, turn, topic, partition } = planned;
      planned.turn += 1;
      if (planned.after > 0) planned.after -= 1;
      else {
        planned.times -= 1;
        applied.push(...variants[turn % variants.length]!.map((effect) => ({ effect, topic, partition })));
      }
    }
    if (applied.length > 0) this.#planned = this.#planned.filter(({ times }) => times > 0);
    return new RequestFaults(applied);
  }
}

function appliesTo({ apis, topic, partition }: PlannedFault, api: string, { topics, hasGroup }: CallSubject): boolean {
  if (apis === null ? topics.size === 0 && !hasGroup : !apis.includes(api)) return false;
  if (topic === undefined) return true;
  const partitions = topics.get(topic);
  if (partitions === undefined) return false;
  return partition === undefined || partitions === null || partitions.includes(partition);
}
