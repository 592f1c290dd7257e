import type { Fault, FaultKind, OutgoingRecord } from "../../../src/driver/index.ts";

/** `answer`: the answer to a change by the administration, which has been carried out. */
export type CallKind = "publish" | "fetch" | "commit" | "join" | "admin" | "answer";

/** What a fault is matched against: one call of a driver. */
export interface CallTarget {
  readonly kind: CallKind;
  readonly topic: string | undefined;
  /** Every partition that the call is about; `null` if it is about none. */
  readonly partitions: readonly string[] | null;
}

const PUBLISH: ReadonlySet<CallKind> = new Set(["publish"]);
const FETCH: ReadonlySet<CallKind> = new Set(["fetch"]);
const PUBLISH_AND_FETCH: ReadonlySet<CallKind> = new Set(["publish", "fetch"]);
const OF_MEMBERS: ReadonlySet<CallKind> = new Set(["fetch", "commit"]);
const ALL: ReadonlySet<CallKind> = new Set(["publish", "fetch", "commit", "join", "admin"]);

const APPLIES_TO: Readonly<Record<FaultKind, ReadonlySet<CallKind>>> = {
  throttle: PUBLISH,
  "fail-entry": PUBLISH,
  "fail-before-write": PUBLISH,
  "fail-after-write": PUBLISH,
  disconnect: ALL,
  stall: PUBLISH_AND_FETCH,
  "expire-cursor": FETCH,
  "steal-partition": OF_MEMBERS,
  "lose-coordinator": OF_MEMBERS,
  "refuse-authorization": ALL,
  restart: ALL,
};

export const FAULT_KINDS = Object.keys(APPLIES_TO) as readonly FaultKind[];

export function isFaultKind(kind: unknown): kind is FaultKind {
  return (FAULT_KINDS as readonly unknown[]).includes(kind);
}

interface PlannedFault {
  readonly fault: Fault;
  skip: number;
  times: number;
}

/** Messages that were chosen to be invalid. They are recognised by their bytes, because the core may send equal ones in other objects. */
class Culprits {
  readonly #chosen = new Set<string>();

  get size(): number {
    return this.#chosen.size;
  }

  add(record: OutgoingRecord): void {
    this.#chosen.add(fingerprint(record));
  }

  clear(): void {
    this.#chosen.clear();
  }

  has(record: OutgoingRecord): boolean {
    return this.#chosen.size > 0 && this.#chosen.has(fingerprint(record));
  }

  delete(record: OutgoingRecord): void {
    this.#chosen.delete(fingerprint(record));
  }
}

function fingerprint({ key, value }: OutgoingRecord): string {
  const text = (bytes: Uint8Array | null): string => (bytes === null ? "-" : Buffer.from(bytes).toString("base64"));
  return `${text(key)} ${text(value)}`;
}

/** The faults that have not been applied yet, in the order in which they were injected. */
export class FaultPlan {
  readonly culprits = new Culprits();
  #planned: PlannedFault[] = [];

  add(fault: Fault): void {
    const times = fault.times ?? 1;
    if (times > 0) this.#planned.push({ fault, skip: fault.after ?? 0, times });
  }

  /** Withdraws the faults that have not been applied yet. Messages that were chosen to be invalid are valid again. */
  clear(): void {
    this.#planned = [];
    this.culprits.clear();
  }

  get isEmpty(): boolean {
    return this.#planned.length === 0 && this.culprits.size === 0;
  }

  /** Counts the call. @returns the faults that apply to it */
  take(call: CallTarget): Fault[] {
    const applied: Fault[] = [];
    for (const planned of this.#planned) {
      if (!appliesTo(planned.fault, call)) continue;
      if (planned.skip > 0) planned.skip -= 1;
      else {
        planned.times -= 1;
        applied.push(planned.fault);
      }
    }
    if (applied.length > 0) this.#planned = this.#planned.filter(({ times }) => times > 0);
    return applied;
  }
}

function appliesTo(fault: Fault, call: CallTarget): boolean {
  const losesAnswer = fault.kind === "fail-after-write" && fault.operation === "admin";
  if (losesAnswer ? call.kind !== "answer" : !APPLIES_TO[fault.kind].has(call.kind)) return false;
  if (!losesAnswer && fault.operation !== undefined && fault.operation !== call.kind) return false;
  if (fault.topic !== undefined && fault.topic !== call.topic) return false;
  return fault.partition === undefined || (call.partitions?.includes(fault.partition) ?? false);
}
