import { setImmediate as turn } from "node:timers/promises";
import { type DriverReport, StreamError, isStreamError } from "../../../../src/driver/index.ts";
import type { LeaseAdmin, LeaseGroupParts, LeaseRow, MemoryLeaseStore } from "../../../../src/leases/index.ts";
import { record } from "../../consume/fake-driver.ts";
import type { Stack } from "../world/engine.ts";
import { FakeTopic } from "../world/fake-topic.ts";
import { HostileStore, type LandedWrite } from "../world/hostile-store.ts";
import { BrokenPromise, Process, VirtualClock } from "../world/virtual-clock.ts";
import { CoreMember, type CoreMemberOptions, SESSION_MS } from "./core-member.ts";
import { Ledger, nameOf } from "./ledger.ts";

const WATCH_MS = 20;
const STEP_MS = 10;
/** So much of the world's time passes at least before something is given up, also on a machine that is busy. */
const LEAST_STEPS = 1_000;

/** One topic, one store and one group, whose members have the real core. The time of the leases is the world's, that of the core is real. */
export class CoreWorld {
  readonly clock = new VirtualClock();
  readonly topic: FakeTopic;
  readonly store: MemoryLeaseStore;
  readonly ledger: Ledger;
  /** The store cannot be reached. */
  isCut = false;
  onLanded: (write: LandedWrite) => void = () => {};
  readonly #stack: Stack;
  readonly #patienceMs: number;
  readonly #members: CoreMember[] = [];
  #ids = 0;

  /** @param patienceMs how long, in real time, something may take that does not come to pass */
  constructor(stack: Stack, patienceMs: number, { shards = 1, aheadBytes }: { shards?: number; aheadBytes?: number } = {}) {
    this.#stack = stack;
    this.#patienceMs = patienceMs;
    this.topic = new FakeTopic(shards, (index, shard) =>
      record(index, `key ${index}`, { value: Buffer.from(nameOf(shard, index)), bytes: 10 }),
    );
    this.store = new stack.engine.MemoryLeaseStore(aheadBytes);
    this.ledger = new Ledger(this.topic, aheadBytes === undefined);
  }

  #parts(name: string, process: Process): LeaseGroupParts {
    return {
      store: new HostileStore(this.store, process, name, {
        fault: () => (this.isCut ? { kind: "refused" } : null),
        landed: (write) => {
          this.ledger.landed(write);
          this.onLanded(write);
        },
      }),
      source: this.topic.seenBy(process),
      clock: process,
      report: Object.assign((_: DriverReport) => {}, { wants: () => false }),
      classify: (error) => (isStreamError(error) ? error : new StreamError("internal", "a defect of the engine", { cause: error })),
      watchMs: WATCH_MS,
      newId: () => `${name}-${(this.#ids += 1)}`,
    };
  }

  /** A member that joins. */
  member(name: string, options: CoreMemberOptions = {}): CoreMember {
    const member = new CoreMember(name, this.#stack, this.clock, this.ledger, (process) => this.#parts(name, process), options);
    this.#members.push(member);
    return member;
  }

  admin(): LeaseAdmin {
    return this.#stack.engine.leaseAdmin(this.#parts("admin", new Process(this.clock)), SESSION_MS);
  }

  async row(partition = "s0"): Promise<LeaseRow> {
    return (await this.store.read(partition))!.row;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) await this.#step();
  }

  async #step(): Promise<void> {
    await this.clock.advance(STEP_MS);
    await turn();
    for (const { failure } of this.#members) if (failure !== null) throw failure;
    if (this.ledger.violations.length > 0) throw new BrokenPromise(this.ledger.violations.join("; "));
  }

  /** Lets time pass until it holds. @throws when it does not come to that, or a promise is broken meanwhile */
  async until(holds: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + this.#patienceMs;
    for (let step = 0; !holds(); step += 1) {
      if (step >= LEAST_STEPS && performance.now() > giveUpAt) throw new BrokenPromise(`it did not come to this: ${what}`);
      await this.#step();
    }
  }

  /** Lets time pass until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    await this.until(() => isOver, "a call has its answer");
    return promise;
  }

  /** All members go. Nothing may be left of them. */
  async end(): Promise<void> {
    for (const { process } of this.#members) process.thaw();
    await this.run(Promise.all(this.#members.map((member) => member.leave())));
    if (this.clock.sleeping > 0) throw new BrokenPromise(`${this.clock.sleeping} timers are left when all have gone`);
  }

  /** The same, where it has failed already. */
  async abandon(): Promise<void> {
    for (const { process } of this.#members) process.thaw();
    const left = Promise.all(this.#members.map((member) => member.leave()));
    for (let step = 0; step < 200; step += 1) {
      await this.clock.advance(STEP_MS);
      await turn();
    }
    left.catch(() => undefined);
  }
}
