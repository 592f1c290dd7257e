import type { Fault, FaultKind } from "../../src/driver/index.ts";
import { StreamError } from "../../src/errors.ts";
import { checkFault } from "./check-fault.ts";

/** How an emulator shows one kind of fault. */
export interface ShownFault<Effect> {
  /**
   * The calls that the fault is counted for, and that it can affect, as the emulator names them; `null`: every call that is about a topic
   * or a group.
   */
  readonly calls: readonly string[] | null;
  /** What happens then. Only the emulator knows what it means. */
  readonly effect: Effect;
}

/** What an emulator says about the faults that it can show. The plan does the rest. */
export interface FaultVocabulary<Effect> {
  /** Its id, for errors. */
  readonly provider: string;
  /** The kinds that it can show. */
  readonly kinds: { readonly [Kind in FaultKind]?: (fault: Fault) => ShownFault<Effect> };
  /** The calls of each operation that a fault can name. */
  readonly operations: Readonly<Record<NonNullable<Fault["operation"]>, readonly string[]>>;
  /** Why it cannot show this fault, besides its kind and operation; `null`: it can. Absent: it shows all of them. */
  refuse?(fault: Fault): string | null;
  /**
   * Carries out a fault that needs no call, such as taking a partition from a member. Asked for a fault that spares no call and names no
   * operation, before it waits for a call. @returns whether it changed anything
   */
  applyAtOnce?(fault: Fault): boolean;
}

/** A call of a client, as far as faults can name it. */
export interface CountedCall {
  /** One of the names of `FaultVocabulary`. */
  readonly name: string;
  /** The partitions by topic; `null`: the topic as a whole, with all its partitions. Empty: none of them. */
  readonly topics: ReadonlyMap<string, readonly string[] | null>;
  readonly hasGroup: boolean;
}

/** Something that waits for calls: a fault, or what an emulator has of its own. */
export interface PlannedEffect<Effect> extends ShownFault<Effect> {
  /** Turns are counted for each name and topic. For a fault its kind. */
  readonly name: string;
  readonly topic: string | undefined;
  readonly partition: string | undefined;
  /** How many calls are spared. */
  readonly after: number;
  /** How many calls get it then. */
  readonly times: number;
}

/** An effect that a call gets, and the part of the call that it is about; `undefined`: all of it. */
export interface AppliedEffect<Effect> {
  readonly effect: Effect;
  /**
   * Counts up, for an emulator with several variants of a fault: every call that gets or is spared the fault takes a turn, and the next fault
   * of the name for the topic begins one turn later, whatever is planned for other topics.
   */
  readonly turn: number;
  readonly topic: string | undefined;
  readonly partition: string | undefined;
}

/** All kinds there are. One that is not among them is a mistake of the caller; one that an emulator does not show is `unsupported`. */
const ALL_KINDS: Readonly<Record<FaultKind, true>> = {
  throttle: true,
  "fail-entry": true,
  "fail-before-write": true,
  "fail-after-write": true,
  disconnect: true,
  stall: true,
  "expire-cursor": true,
  "steal-partition": true,
  "lose-coordinator": true,
  "refuse-authorization": true,
  restart: true,
};

/** What waits to happen to the calls of an emulator, in the order in which it was planned. All emulators have one. */
export class FaultPlan<Effect> {
  readonly #vocabulary: FaultVocabulary<Effect>;
  readonly #firstTurn: number;
  /** How often something of a name has been planned for a topic. */
  readonly #begun = new Map<string, number>();
  #waiting: Waiting<Effect>[] = [];

  /** @param firstTurn the turn with which the first fault of each kind begins */
  constructor(vocabulary: FaultVocabulary<Effect>, firstTurn = 0) {
    this.#vocabulary = vocabulary;
    this.#firstTurn = firstTurn;
  }

  /** The kinds of faults that can be injected. */
  get kinds(): readonly FaultKind[] {
    return Object.keys(this.#vocabulary.kinds) as FaultKind[];
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Plans a fault.
   * @throws `invalid-argument` for a kind that does not exist or an invalid property · `unsupported` for a kind that the emulator does not
   *   show, or does not show in calls of this operation
   */
  inject(fault: Fault): void {
    checkFault(fault);
    const { kind, after = 0, times = 1, topic, partition, operation } = fault;
    const { calls, effect } = this.#shown(fault);
    const isDone = after === 0 && operation === undefined && (this.#vocabulary.applyAtOnce?.(fault) ?? false);
    this.plan({ name: kind, calls, effect, topic, partition, after, times: isDone ? times - 1 : times });
  }

  #shown(fault: Fault): ShownFault<Effect> {
    const { kinds, operations } = this.#vocabulary;
    const { kind, operation } = fault;
    const shown = Object.hasOwn(kinds, kind) ? kinds[kind]?.(fault) : undefined;
    if (shown === undefined) {
      const code = Object.hasOwn(ALL_KINDS, kind) ? "unsupported" : "invalid-argument";
      throw this.#error(code, `there is no fault ${JSON.stringify(kind)}; there are ${this.kinds.join(", ")}`);
    }
    const refusal = this.#vocabulary.refuse?.(fault) ?? null;
    if (refusal !== null) throw this.#error("invalid-argument", refusal);
    if (operation === undefined) return shown;
    const calls = operations[operation].filter((name) => shown.calls === null || shown.calls.includes(name));
    if (calls.length === 0) throw this.#error("unsupported", `the fault ${kind} does not affect calls of the operation ${operation}`);
    return { ...shown, calls };
  }

  #error(code: "invalid-argument" | "unsupported", what: string): StreamError {
    return new StreamError(code, what, { provider: this.#vocabulary.provider });
  }

  /** Plans what is no fault of the shared vocabulary. */
  plan(planned: PlannedEffect<Effect>): void {
    if (planned.times <= 0) return;
    const name = `${planned.name} ${planned.topic ?? ""}`;
    const begun = this.#begun.get(name) ?? 0;
    this.#begun.set(name, begun + 1);
    this.#waiting.push(new Waiting(planned, this.#firstTurn + begun));
  }

  /** Withdraws what has not happened yet. */
  clear(): void {
    this.#waiting = [];
  }

  /** Counts the call. @returns what happens to it, in the order in which it was planned */
  take(call: CountedCall): readonly AppliedEffect<Effect>[] {
    const applied: AppliedEffect<Effect>[] = [];
    for (const waiting of this.#waiting) {
      const effect = waiting.meet(call);
      if (effect !== null) applied.push(effect);
    }
    if (applied.length > 0) this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    return applied;
  }
}

class Waiting<Effect> {
  readonly #planned: PlannedEffect<Effect>;
  #turn: number;
  #spared = 0;
  #met = 0;

  constructor(planned: PlannedEffect<Effect>, turn: number) {
    this.#planned = planned;
    this.#turn = turn;
  }

  get isOver(): boolean {
    return this.#met >= this.#planned.times;
  }

  /** @returns `null` where the call does not get the effect: it is not meant, or spared */
  meet(call: CountedCall): AppliedEffect<Effect> | null {
    if (!this.#counts(call)) return null;
    const { effect, topic, partition, after } = this.#planned;
    const turn = this.#turn;
    this.#turn += 1;
    if (this.#spared < after) {
      this.#spared += 1;
      return null;
    }
    this.#met += 1;
    return { effect, turn, topic, partition };
  }

  #counts({ name, topics, hasGroup }: CountedCall): boolean {
    const { calls, topic, partition } = this.#planned;
    if (calls === null ? topics.size === 0 && !hasGroup : !calls.includes(name)) return false;
    if (topic === undefined && partition === undefined) return true;
    for (const [named, partitions] of topics) {
      if (topic !== undefined && topic !== named) continue;
      if (partition === undefined || partitions === null || partitions.includes(partition)) return true;
    }
    return false;
  }
}
