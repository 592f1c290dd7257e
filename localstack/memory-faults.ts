import type { MemoryBroker } from "../adapters/memory/broker/broker.ts";
import type { CallKind, CallTarget, PlannedFaults } from "../adapters/memory/broker/faults.ts";
import type { Fault, FaultKind } from "../src/driver/index.ts";
import { FaultPlan, type FaultVocabulary, type ShownFault } from "./faults/fault-plan.ts";

const NOTHING: readonly Fault[] = [];
const ALL: readonly CallKind[] = ["publish", "fetch", "commit", "join", "admin"];
const OF_MEMBERS: readonly CallKind[] = ["fetch", "commit", "renewal"];

/** The broker knows the kinds of faults itself: the effect is the fault. */
function on(...calls: readonly CallKind[]): (fault: Fault) => ShownFault<Fault> {
  return (effect) => ({ calls, effect });
}

const MEMORY_FAULTS: FaultVocabulary<Fault> = {
  provider: "memory",
  kinds: {
    throttle: on("publish"),
    "fail-entry": on("publish"),
    "fail-before-write": on("publish"),
    "fail-after-write": (fault) => on(fault.operation === "admin" ? "answer" : "publish")(fault),
    disconnect: on(...ALL),
    stall: on("publish", "fetch"),
    "expire-cursor": on("fetch"),
    "steal-partition": on(...OF_MEMBERS),
    "lose-coordinator": on(...OF_MEMBERS),
    "refuse-authorization": on(...ALL),
    restart: on(...ALL, "renewal", "watch"),
  },
  operations: { publish: ["publish"], fetch: ["fetch"], commit: ["commit"], admin: ["admin", "answer"] },
};

/** The faults that are planned for a memory broker. There is one plan for each broker, whichever emulator or connection uses it. */
export class MemoryFaults implements PlannedFaults {
  readonly #broker: MemoryBroker;
  readonly #plan: FaultPlan<Fault>;

  private constructor(broker: MemoryBroker) {
    this.#broker = broker;
    this.#plan = new FaultPlan({ ...MEMORY_FAULTS, applyAtOnce: (fault) => broker.applyFault(fault) });
  }

  static of(broker: MemoryBroker): MemoryFaults {
    if (broker.faults instanceof MemoryFaults) return broker.faults;
    const faults = new MemoryFaults(broker);
    broker.meet(faults);
    return faults;
  }

  get kinds(): readonly FaultKind[] {
    return this.#plan.kinds;
  }

  get isEmpty(): boolean {
    return this.#plan.isEmpty;
  }

  /** A fault that changes the state of groups, and names no operation, applies at once if a group has that state, else at the next call. @throws as `FaultPlan.inject` */
  inject(fault: Fault): void {
    this.#plan.inject(fault);
  }

  /** Withdraws the faults that have not been applied yet. Messages that were chosen to be invalid are valid again. */
  clear(): void {
    this.#plan.clear();
    this.#broker.culprits.clear();
  }

  take({ kind, topic, partitions }: CallTarget): readonly Fault[] {
    if (this.isEmpty) return NOTHING;
    const topics = new Map(topic === undefined ? [] : [[topic, partitions ?? []]]);
    return this.#plan.take({ name: kind, topics, hasGroup: false }).map(({ effect }) => effect);
  }
}
