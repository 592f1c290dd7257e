import { isStreamError } from "../../../../src/driver/index.ts";
import type { Engine } from "./engine.ts";
import type { StoreCall, StoreFault } from "./hostile-store.ts";
import { Oracle } from "./oracle.ts";
import { randomNumbers } from "./random-numbers.ts";
import type { SimMember } from "./sim-member.ts";
import { HOLD_MS, SIGNAL, World } from "./world.ts";

const STEPS = 22;
const MOST_MEMBERS = 3;
const MOST_SHARDS = 8;

/** What a history has shown. */
export interface HistoryResult {
  readonly violations: readonly string[];
  readonly seen: Oracle["seen"];
  readonly steps: readonly string[];
}

/** Members that come, go, freeze and crash; resets, splits, merges, deletions by operators, and a store that loses answers. The same for the same seed. */
export async function randomHistory(engine: Engine, seed: number): Promise<HistoryResult> {
  const history = new RandomHistory(engine, seed);
  return history.run();
}

class RandomHistory {
  readonly #random: () => number;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #live = new Set<SimMember>();
  readonly #steps: string[] = [];
  readonly #pending: Promise<void>[] = [];
  /** Since when shards are known to be handled to their end. */
  readonly #endedMs = new Map<string, number>();
  #faultRate = 0;
  #names = 0;

  constructor(engine: Engine, seed: number) {
    this.#random = randomNumbers(seed);
    this.#oracle = new Oracle(
      () => this.#world.topic,
      () => this.#world.clock.nowMs(),
    );
    const oracle = this.#oracle;
    this.#world = new World(engine, 1 + this.#below(3), {
      fault: () => this.#fault(),
      landed: (write) => oracle.landed(write),
      assigned: (member, assignment) => oracle.assigned(member, assignment),
      delivered: (member, assignment, indexes) => oracle.delivered(member, assignment, indexes),
      handled: (member, assignment, index) => oracle.handled(member, assignment, index),
    });
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #one<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)];
  }

  #fault(_call?: StoreCall): StoreFault | null {
    if (this.#faultRate === 0 || this.#random() >= this.#faultRate) return null;
    const kinds: readonly StoreFault[] = [
      { kind: "lost-answer" },
      { kind: "refused" },
      { kind: "late", ms: 1 + this.#below(6_000) },
      { kind: "slow", beforeMs: this.#below(2_000), afterMs: this.#below(2_000) },
    ];
    return this.#one(kinds)!;
  }

  async run(): Promise<HistoryResult> {
    this.#append();
    this.#join();
    for (let step = 0; step < STEPS; step += 1) {
      this.#act();
      await this.#world.clock.advance(this.#random() < 0.15 ? HOLD_MS * 1.3 : this.#random() * 3_000);
      this.#bury();
    }
    await this.#finish();
    return { violations: this.#oracle.violations, seen: this.#oracle.seen, steps: this.#steps };
  }

  #act(): void {
    const choices: (() => void)[] = [
      () => this.#append(),
      () => this.#append(),
      () => this.#join(),
      () => this.#join(),
      () => this.#leave(),
      () => this.#freeze(false),
      () => this.#freeze(false),
      () => this.#freeze(true),
      () => this.#thaw(),
      () => this.#thaw(),
      () => this.#split(),
      () => this.#merge(),
      () => this.#reset(),
      () => this.#reset(),
      () => this.#deleteRow(),
      () => this.#unlist(),
      () => this.#unlist(),
      () => this.#changeFaults(),
      () => this.#changeFaults(),
    ];
    this.#one(choices)!();
  }

  #note(step: string): void {
    this.#steps.push(`${this.#world.clock.nowMs().toFixed(0)}: ${step}`);
  }

  #append(): void {
    for (const shard of this.#world.topic.open) this.#world.topic.append(shard, this.#below(15));
  }

  #join(): void {
    if (this.#live.size >= MOST_MEMBERS) return;
    const name = `m${(this.#names += 1)}`;
    this.#note(`${name} joins`);
    const member = this.#world.member(name);
    if (this.#random() < 0.3) member.revokingMs = this.#below(5_000);
    this.#live.add(member);
    // As the core does: a member that could not join is closed, and a later one tries again.
    member.start().catch(async () => {
      this.#live.delete(member);
      await member.close();
    });
  }

  /** Members that have failed are closed by the core. */
  #bury(): void {
    for (const member of this.#live) {
      if (member.failures.length > 0 && !member.process.isFrozen) this.#close(member);
    }
  }

  #leave(): void {
    const member = this.#one([...this.#live].filter(({ process }) => !process.isFrozen));
    if (member !== undefined) this.#close(member);
  }

  #close(member: SimMember): void {
    this.#note(`${member.name} leaves`);
    this.#live.delete(member);
    void member.close();
  }

  #freeze(isSuspended: boolean): void {
    const member = this.#one([...this.#live].filter(({ process }) => !process.isFrozen));
    if (member === undefined) return;
    this.#note(`${member.name} ${isSuspended ? "is suspended" : "freezes"}`);
    // At one of its next waits, wherever it is then.
    if (!isSuspended && this.#random() < 0.7) member.process.freezeAt = member.process.waits + 1 + this.#below(12);
    else member.process.freeze(isSuspended);
  }

  #thaw(): void {
    const member = this.#one([...this.#live].filter(({ process }) => process.isFrozen));
    if (member === undefined) return;
    this.#note(`${member.name} thaws`);
    member.process.thaw();
  }

  #split(): void {
    const { topic } = this.#world;
    const shard = this.#one(topic.open);
    if (shard === undefined || topic.shards.size >= MOST_SHARDS) return;
    this.#note(`${shard} is split into ${topic.split(shard).join(" and ")}`);
  }

  #merge(): void {
    const { topic } = this.#world;
    const [left, right] = topic.open;
    if (left === undefined || right === undefined || topic.shards.size >= MOST_SHARDS) return;
    this.#note(`${left} and ${right} are merged into ${topic.merge(left, right).join()}`);
  }

  #reset(): void {
    const to = this.#random() < 0.6 ? ({ kind: "earliest" } as const) : ({ kind: "latest" } as const);
    this.#note(`a reset to ${to.kind} begins`);
    const name = `admin${(this.#names += 1)}`;
    const reset = this.#world.admin(name).reset(to, SIGNAL);
    this.#pending.push(
      reset.then(
        () => this.#note(`the reset of ${name} is complete`),
        (error: unknown) => {
          if (!isStreamError(error)) throw error;
          this.#note(`the reset of ${name} fails: ${error.code}`);
        },
      ),
    );
  }

  #deleteRow(): void {
    const shard = this.#one([...this.#world.topic.shards.keys()]);
    if (shard === undefined || this.#world.store.columnsOf(shard) === undefined) return;
    this.#note(`an operator deletes the row of ${shard}`);
    this.#world.store.erase(shard);
    this.#oracle.tampered(shard);
  }

  /** Retention has emptied an ended shard. */
  #unlist(): void {
    const { topic, store, clock } = this.#world;
    for (const name of topic.shards.keys()) {
      if (store.columnsOf(name)?.["place"] !== "ended") this.#endedMs.delete(name);
      else if (!this.#endedMs.has(name)) this.#endedMs.set(name, clock.nowMs());
    }
    // Retention is longer than any request.
    const isOld = (name: string): boolean => clock.nowMs() - (this.#endedMs.get(name) ?? Infinity) > 2 * HOLD_MS;
    const ended = [...topic.shards].filter(([name, { isListed }]) => isListed && isOld(name));
    const [name, shard] = this.#one(ended) ?? [];
    if (name === undefined || shard === undefined) return;
    this.#note(`${name} is no longer listed`);
    shard.isListed = false;
  }

  #changeFaults(): void {
    this.#faultRate = this.#faultRate === 0 ? 0.05 + this.#random() * 0.25 : 0;
    this.#note(this.#faultRate === 0 ? "the store is well" : `the store fails ${Math.round(this.#faultRate * 100)} % of its calls`);
  }

  /** Everything is well again: all that is stored must be handled, and nothing may be left when all have gone. */
  async #finish(): Promise<void> {
    const { clock, members } = this.#world;
    this.#faultRate = 0;
    for (const { process } of members) process.freezeAt = Infinity;
    for (const { process } of members) process.thaw();
    this.#note("all is well from here on");
    await clock.advance(HOLD_MS);
    this.#bury();
    await this.#world.run(Promise.all(this.#pending).then(() => undefined));
    this.#live.clear();
    const last = this.#world.member("last");
    let failure: unknown = null;
    last.start().catch((error: unknown) => (failure = error));
    const isDone = (): boolean => this.#oracle.unhandled.length === 0 || failure !== null || last.failures.length > 0;
    for (let waitedMs = 0; waitedMs < 120_000 && !isDone(); waitedMs += 2_000) await clock.advance(2_000);
    if (failure !== null || last.failures.length > 0)
      this.#oracle.violations.push(`the last member failed: ${failure instanceof Error ? failure.message : last.failures[0]?.message}`);
    for (const missed of this.#oracle.unhandled) this.#oracle.violations.push(`never handled: ${missed}`);
    await this.#world.closeAll();
    if (clock.sleeping > 0) this.#oracle.violations.push(`${clock.sleeping} timers are left when all have gone`);
  }
}
