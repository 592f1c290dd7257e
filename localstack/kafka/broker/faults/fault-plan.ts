import type { PlannedFault } from "./fault-effect.ts";
import { type CallSubject, type RequestFault, RequestFaults } from "./request-faults.ts";

interface Planned extends PlannedFault {
  /** Which of the ways comes next: every request that is met or spared moves it on. */
  turn: number;
}

/** The troubles that are still to come, in the order in which they were planned. */
export class FaultPlan {
  readonly #firstTurn: number;
  /** How many of each kind have been planned for each topic, which nobody else's plans change: the next begins with another way. */
  readonly #begun = new Map<string, number>();
  #planned: Planned[] = [];

  /** @param firstTurn the way that the first trouble of each kind begins with */
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

  /** Withdraws what has not happened yet. */
  clear(): void {
    this.#planned = [];
  }

  get isEmpty(): boolean {
    return this.#planned.length === 0;
  }

  /** Counts the request, and answers what befalls it. */
  take(api: string, subject: CallSubject): RequestFaults {
    const met: RequestFault[] = [];
    for (const planned of this.#planned) {
      if (!meets(planned, api, subject)) continue;
      const { variants, turn, topic, partition } = planned;
      planned.turn += 1;
      if (planned.after > 0) planned.after -= 1;
      else {
        planned.times -= 1;
        met.push(...variants[turn % variants.length]!.map((effect) => ({ effect, topic, partition })));
      }
    }
    if (met.length > 0) this.#planned = this.#planned.filter(({ times }) => times > 0);
    return new RequestFaults(met);
  }
}

function meets({ apis, topic, partition }: PlannedFault, api: string, { topics, hasGroup }: CallSubject): boolean {
  if (apis === null ? topics.size === 0 && !hasGroup : !apis.includes(api)) return false;
  if (topic === undefined) return true;
  const partitions = topics.get(topic);
  if (partitions === undefined) return false;
  return partition === undefined || partitions === null || partitions.includes(partition);
}
