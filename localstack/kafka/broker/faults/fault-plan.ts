import { type CallSubject, MetTroubles } from "./met-troubles.ts";
import type { PlannedTrouble } from "./trouble.ts";

/** The troubles that are still to come, in the order in which they were planned. */
export class FaultPlan {
  #planned: PlannedTrouble[] = [];

  add(planned: PlannedTrouble): void {
    if (planned.times > 0) this.#planned.push({ ...planned });
  }

  get isEmpty(): boolean {
    return this.#planned.length === 0;
  }

  /** Counts the request, and answers what befalls it. */
  take(api: string, subject: CallSubject): MetTroubles {
    const met: PlannedTrouble[] = [];
    for (const planned of this.#planned) {
      if (!meets(planned, api, subject)) continue;
      if (planned.after > 0) planned.after -= 1;
      else {
        planned.times -= 1;
        met.push(planned);
      }
    }
    if (met.length > 0) this.#planned = this.#planned.filter(({ times }) => times > 0);
    return new MetTroubles(met);
  }
}

function meets({ apis, topic, partition }: PlannedTrouble, api: string, { topics, hasGroup }: CallSubject): boolean {
  if (apis === null ? topics.size === 0 && !hasGroup : !apis.includes(api)) return false;
  if (topic === undefined) return true;
  const partitions = topics.get(topic);
  if (partitions === undefined) return false;
  return partition === undefined || partitions === null || partitions.includes(partition);
}
