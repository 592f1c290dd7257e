import type { ConsumerSettings, DriverReport, StreamError } from "../../../../src/driver/index.ts";
import { StreamError as AnyStreamError } from "../../../../src/driver/index.ts";
import type { LeaseAdmin, LeaseGroupParts, LeaseRow, MemoryLeaseStore } from "../../../../src/leases/index.ts";
import type { Engine } from "./engine.ts";
import { FakeTopic } from "./fake-topic.ts";
import { HostileStore, type StoreHooks } from "./hostile-store.ts";
import { type MemberHooks, SimMember } from "./sim-member.ts";
import { Process, VirtualClock } from "./virtual-clock.ts";

export const HOLD_MS = 10_000;
export const MARGIN_MS = 1_000;
export const WATCH_MS = 1_000;

const SIGNAL = new AbortController().signal;

function toStreamError(error: unknown): StreamError {
  return error instanceof AnyStreamError ? error : new AnyStreamError("internal", "a defect of the engine", { cause: error });
}

/** One topic, one store, one group, and its members, in one time. */
export class World {
  readonly engine: Engine;
  readonly clock = new VirtualClock();
  readonly topic: FakeTopic;
  readonly store: MemoryLeaseStore;
  readonly members: SimMember[] = [];
  readonly hooks: StoreHooks & MemberHooks;
  describeMs = 30_000;
  renewMs: number | undefined;
  leastSessionMs: number | undefined;
  #ids = 0;

  constructor(engine: Engine, shards: number, hooks: StoreHooks & MemberHooks = {}) {
    this.engine = engine;
    this.topic = new FakeTopic(shards);
    this.store = new engine.MemoryLeaseStore();
    this.hooks = hooks;
  }

  #parts(name: string, process: Process, hooks: StoreHooks): LeaseGroupParts {
    const all: StoreHooks = {
      fault: (call, row) => hooks.fault?.(call, row) ?? this.hooks.fault?.(call, row) ?? null,
      called: (call, row) => {
        hooks.called?.(call, row);
        this.hooks.called?.(call, row);
      },
      answered: (call, row) => {
        hooks.answered?.(call, row);
        this.hooks.answered?.(call, row);
      },
      landed: (write) => {
        hooks.landed?.(write);
        this.hooks.landed?.(write);
      },
    };
    return {
      store: new HostileStore(this.store, process, name, all),
      source: this.topic.seenBy(process),
      clock: process,
      report: Object.assign((_: DriverReport) => {}, { wants: () => false }),
      classify: toStreamError,
      watchMs: WATCH_MS,
      describeMs: this.describeMs,
      renewMs: this.renewMs,
      leastSessionMs: this.leastSessionMs,
      newId: () => `${name}-${(this.#ids += 1)}`,
    };
  }

  /** A member that has not started. */
  member(name: string, hooks: StoreHooks = {}, settings: Partial<ConsumerSettings> = {}): SimMember {
    const member = new SimMember(name, this.clock, this.hooks);
    member.consumer = this.engine.leaseConsumer(this.#parts(name, member.process, hooks), member.settings(settings));
    this.members.push(member);
    return member;
  }

  /** A member that has joined. */
  async joined(name: string, hooks: StoreHooks = {}, settings: Partial<ConsumerSettings> = {}): Promise<SimMember> {
    const member = this.member(name, hooks, settings);
    await this.run(member.start());
    return member;
  }

  admin(name = "admin", hooks: StoreHooks = {}, process = new Process(this.clock)): LeaseAdmin {
    return this.engine.leaseAdmin(this.#parts(name, process, hooks), HOLD_MS);
  }

  /** Lets time pass until the promise is settled. */
  async run<T>(promise: Promise<T>, mostMs = 120_000): Promise<T> {
    let isOver = false;
    const over = promise.finally(() => (isOver = true));
    over.catch(() => undefined);
    await this.clock.until(() => isOver, "the call has an answer", mostMs);
    return over;
  }

  async row(partition: string): Promise<LeaseRow> {
    const held = await this.store.read(partition);
    if (held === null) throw new Error(`there is no row of ${partition}`);
    return held.row;
  }

  async closeAll(): Promise<void> {
    for (const member of this.members) member.process.thaw();
    await this.run(Promise.all(this.members.map((member) => member.close())).then(() => undefined));
  }
}

export { SIGNAL };
