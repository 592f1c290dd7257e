import { isStreamError } from "../../../../src/errors.ts";
import type { Stack } from "../world/engine.ts";
import { randomNumbers } from "../world/random-numbers.ts";
import { SIGNAL } from "../world/world.ts";
import { type CoreMember, SESSION_MS } from "./core-member.ts";
import { CoreWorld } from "./core-world.ts";
import type { Name } from "./ledger.ts";

const STEPS = 12;
const MOST_MEMBERS = 3;

/**
 * Members with the real core that come, leave, stand still and die, with handlers that hang, beside resets and a store that cannot be
 * reached, or has little room. In the end everything must be handled, and nothing that was stored as handled may have been handed out again.
 * The same for the same seed, as far as real time allows.
 * @returns how many messages are stored as handled in the end
 * @throws at the first violation: what it is, and the steps before it
 */
export async function randomCoreHistory(stack: Stack, seed: number, patienceMs: number): Promise<number> {
  return new RandomCoreHistory(stack, seed, patienceMs).run();
}

class RandomCoreHistory {
  readonly #random: () => number;
  readonly #world: CoreWorld;
  readonly #shards: readonly string[];
  readonly #live = new Set<CoreMember>();
  readonly #steps: string[] = [];
  readonly #pending: Promise<void>[] = [];
  #names = 0;

  constructor(stack: Stack, seed: number, patienceMs: number) {
    this.#random = randomNumbers(seed);
    const shards = 1 + this.#below(2);
    this.#world = new CoreWorld(stack, patienceMs, { shards, ...(this.#random() < 0.3 ? { aheadBytes: 60 + this.#below(60) } : {}) });
    this.#shards = this.#world.topic.open;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #one<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)];
  }

  async run(): Promise<number> {
    try {
      this.#append();
      this.#join();
      for (let step = 0; step < STEPS; step += 1) {
        await this.#act();
        await this.#world.pass(this.#random() < 0.2 ? SESSION_MS * 1.5 : this.#random() * SESSION_MS);
        if (this.#random() < 0.5) this.#finishSome();
      }
      await this.#finish();
    } catch (error) {
      await this.#world.abandon();
      throw new Error([error instanceof Error ? error.message : String(error), ...this.#steps].join("\n  "), { cause: error });
    }
    return this.#world.ledger.settledCount;
  }

  async #act(): Promise<void> {
    const choices: (() => void | Promise<void>)[] = [
      () => this.#append(),
      () => this.#join(),
      () => this.#join(),
      () => this.#leave(),
      () => this.#freeze(),
      () => this.#freeze(),
      () => this.#thaw(),
      () => this.#thaw(),
      () => this.#reset(),
      () => this.#cut(),
    ];
    await this.#one(choices)!();
  }

  #note(step: string): void {
    this.#steps.push(`${this.#world.clock.nowMs().toFixed(0)}: ${step}`);
  }

  #append(): void {
    for (const shard of this.#shards) this.#world.topic.append(shard, this.#below(15));
  }

  #join(): void {
    if (this.#live.size >= MOST_MEMBERS) return;
    const name = `m${(this.#names += 1)}`;
    const isOften = this.#random() < 0.6;
    const hanging = this.#random();
    const salt = this.#below(100);
    this.#note(`${name} joins; it stores its progress ${isOften ? "often" : "rarely"}`);
    const holds = (message: Name): boolean => ((Number(message.split(":")[1]) * 7 + salt) % 10) / 10 < hanging;
    const everyMs = isOften ? 1 : 3_600_000;
    const commit = { everyMs, everyMessages: isOften ? 1 + this.#below(4) : 1_000_000 };
    const maxBufferedBytes = this.#random() < 0.3 ? 1 + this.#below(100) : 1_000_000;
    this.#live.add(this.#world.member(name, { holds, commit, maxBufferedBytes }));
  }

  async #leave(): Promise<void> {
    const member = this.#one([...this.#live].filter(({ process }) => !process.isFrozen));
    if (member === undefined || this.#world.isCut) return;
    this.#note(`${member.name} leaves`);
    this.#live.delete(member);
    await this.#world.run(member.leave());
  }

  #freeze(): void {
    const member = this.#one([...this.#live].filter(({ process }) => !process.isFrozen));
    if (member === undefined) return;
    const isSuspended = this.#random() < 0.3;
    this.#note(`${member.name} ${isSuspended ? "is suspended" : "freezes"}`);
    if (!isSuspended && this.#random() < 0.6) member.process.freezeAt = member.process.waits + 1 + this.#below(12);
    else member.process.freeze(isSuspended);
  }

  #thaw(): void {
    const member = this.#one([...this.#live].filter(({ process }) => process.isFrozen));
    if (member === undefined) return;
    this.#note(`${member.name} thaws`);
    member.process.thaw();
  }

  #cut(): void {
    this.#world.isCut = !this.#world.isCut;
    this.#note(`the store can${this.#world.isCut ? "not" : ""} be reached`);
  }

  #reset(): void {
    if (this.#world.isCut) return;
    this.#note("a reset begins");
    const reset = this.#world.admin().reset({ kind: "earliest" }, SIGNAL);
    this.#pending.push(
      reset.then(
        () => this.#note("the reset is complete"),
        (error: unknown) => {
          if (!isStreamError(error)) throw error;
          this.#note(`the reset fails: ${error.code}`);
        },
      ),
    );
  }

  /** Some handlers end. Those of a process that stands still stand still. */
  #finishSome(): void {
    for (const member of this.#live) {
      if (member.process.isFrozen) continue;
      for (const message of member.running) if (this.#random() < 0.4) member.finish(message);
    }
  }

  async #finish(): Promise<void> {
    const world = this.#world;
    world.isCut = false;
    this.#note("all is well from here on");
    for (const { process } of this.#live) {
      process.freezeAt = Infinity;
      process.thaw();
    }
    await world.run(Promise.all(this.#pending));
    for (const member of this.#live) await world.run(member.leave());
    world.member("last", { holds: () => false, commit: { everyMs: 1, everyMessages: 1 } });
    await world.until(() => world.ledger.isDone, "everything is handled and stored");
    await world.end();
  }
}
