import type {
  Assignment,
  ChildPartition,
  ConsumerDriver,
  ConsumerSettings,
  DriverGap,
  Settlement,
  Sink,
  StoredRecord,
  StreamError,
  UnreadableRange,
} from "../../../../src/driver/index.ts";
import { Process, type VirtualClock } from "./virtual-clock.ts";

export interface MemberEvent {
  readonly kind: "assigned" | "delivered" | "ended" | "revoking" | "lost" | "joined" | "rejoining" | "failed" | "settled";
  readonly atMs: number;
  readonly partition?: string;
  readonly epoch?: string;
  readonly first?: number;
  readonly last?: number;
}

export interface MemberHooks {
  assigned?(member: SimMember, assignment: Assignment): void;
  delivered?(member: SimMember, assignment: Assignment, indexes: readonly number[]): void;
  handled?(member: SimMember, assignment: Assignment, index: number): void;
}

const COMMIT_MS = 1_000;

interface Progress {
  through: string | null;
  settled: string | null;
  ended: boolean;
}

/** A member with the simplest core: it handles at once what is delivered, and settles once a second. */
export class SimMember implements Sink {
  readonly name: string;
  readonly process: Process;
  readonly events: MemberEvent[] = [];
  readonly current = new Map<string, Assignment>();
  readonly assignments: Assignment[] = [];
  readonly failures: StreamError[] = [];
  /** Whether it handles and settles by itself. */
  isAutomatic = true;
  /** How long `revoking` takes. */
  revokingMs = 0;
  consumer!: ConsumerDriver;
  readonly #world: VirtualClock;
  readonly #hooks: MemberHooks;
  readonly #progress = new Map<Assignment, Progress>();
  readonly #life = new AbortController();

  constructor(name: string, world: VirtualClock, hooks: MemberHooks) {
    this.name = name;
    this.#world = world;
    this.#hooks = hooks;
    this.process = new Process(world);
  }

  async start(): Promise<void> {
    this.process.outside(0).catch(() => undefined);
    void this.#commits().catch(() => undefined);
    await this.consumer.start(this, this.#life.signal);
  }

  get partitions(): readonly string[] {
    return [...this.current.keys()].toSorted();
  }

  of(kind: MemberEvent["kind"], partition?: string): readonly MemberEvent[] {
    return this.events.filter((event) => event.kind === kind && (partition === undefined || event.partition === partition));
  }

  #note(kind: MemberEvent["kind"], assignment?: Assignment, more: Partial<MemberEvent> = {}): void {
    const { partition, epoch } = assignment ?? {};
    this.events.push({ kind, atMs: this.#world.nowMs(), ...(partition === undefined ? {} : { partition, epoch: epoch ?? "" }), ...more });
  }

  joined(): void {
    this.#note("joined");
  }

  rejoining(): void {
    this.#note("rejoining");
  }

  assigned(assignment: Assignment): void {
    this.#note("assigned", assignment);
    this.assignments.push(assignment);
    this.current.set(assignment.partition, assignment);
    this.#progress.set(assignment, { through: null, settled: null, ended: false });
    this.#hooks.assigned?.(this, assignment);
  }

  async deliver(assignment: Assignment, records: readonly StoredRecord[]): Promise<void> {
    if (this.current.get(assignment.partition) !== assignment) return;
    const indexes = records.map(({ position }) => Number(position));
    this.#note("delivered", assignment, { first: indexes[0]!, last: indexes.at(-1)! });
    this.#hooks.delivered?.(this, assignment, indexes);
    if (!this.isAutomatic) return;
    for (const index of indexes) this.#hooks.handled?.(this, assignment, index);
    this.#progress.get(assignment)!.through = records.at(-1)!.position;
    await this.process.sleep(10, this.#life.signal).catch(() => undefined);
  }

  async unreadable(_assignment: Assignment, _range: UnreadableRange): Promise<void> {}

  advanced(_assignment: Assignment, _through: string): void {}

  forgetAhead(_assignment: Assignment, _from: string): void {}

  caughtUp(_assignment: Assignment): void {}

  ended(assignment: Assignment, _children: readonly ChildPartition[]): void {
    if (this.current.get(assignment.partition) !== assignment) return;
    this.#note("ended", assignment);
    this.#progress.get(assignment)!.ended = true;
  }

  async revoking(assignment: Assignment): Promise<void> {
    this.#note("revoking", assignment);
    if (this.revokingMs > 0) await this.process.sleep(this.revokingMs, this.#life.signal).catch(() => undefined);
    await this.#commit([assignment]);
    this.#drop(assignment);
  }

  lost(assignment: Assignment): void {
    this.#note("lost", assignment);
    this.#drop(assignment);
  }

  #drop(assignment: Assignment): void {
    if (this.current.get(assignment.partition) === assignment) this.current.delete(assignment.partition);
    this.#progress.delete(assignment);
  }

  async gap(_assignment: Assignment, _gap: DriverGap): Promise<void> {}

  failed(error: StreamError): void {
    this.#note("failed");
    this.failures.push(error);
  }

  async #commits(): Promise<void> {
    while (!this.#life.signal.aborted) {
      await this.process.sleep(COMMIT_MS, this.#life.signal);
      if (this.isAutomatic) await this.#commit([...this.#progress.keys()]);
    }
  }

  #commitTail: Promise<void> = Promise.resolve();

  #commit(assignments: readonly Assignment[]): Promise<void> {
    this.#commitTail = this.#commitTail.then(() => this.#commitNow(assignments)).catch(() => undefined);
    return this.#commitTail;
  }

  async #commitNow(assignments: readonly Assignment[]): Promise<void> {
    const settlements: Settlement[] = [];
    for (const assignment of assignments) {
      const progress = this.#progress.get(assignment);
      if (progress === undefined || (progress.through === progress.settled && !progress.ended)) continue;
      settlements.push({ assignment, through: progress.through, records: [], ended: progress.ended, ahead: null });
    }
    if (settlements.length === 0) return;
    const results = await this.consumer.settle(settlements, this.#life.signal);
    for (const [index, { assignment, through, ended }] of settlements.entries()) {
      const progress = this.#progress.get(assignment);
      if (progress === undefined) continue;
      if (results[index] === null) {
        this.#note("settled", assignment, through === null ? {} : { last: Number(through) });
        progress.settled = through;
        if (ended) this.#drop(assignment);
      } else if (results[index]!.code === "ownership-lost") this.#drop(assignment);
    }
  }

  /** Settles one position by hand. */
  async settle(assignment: Assignment, through: string | null, more: Partial<Settlement> = {}): Promise<StreamError | null> {
    const settlement = { assignment, through, records: [], ended: false, ahead: null, ...more };
    return (await this.consumer.settle([settlement], this.#life.signal))[0]!;
  }

  /** Leaves as the core does: it settles what it has handled first. */
  async close(): Promise<void> {
    await this.#commit([...this.#progress.keys()]);
    for (const assignment of [...this.#progress.keys()]) this.#drop(assignment);
    this.#life.abort();
    await this.consumer.close();
  }

  settings(more: Partial<ConsumerSettings> = {}): ConsumerSettings {
    return {
      group: "billing",
      nativeGroup: undefined,
      initialPosition: { kind: "earliest" },
      sessionTimeoutMs: 10_000,
      maxBufferedBytes: 1_000_000,
      ...more,
    };
  }
}
