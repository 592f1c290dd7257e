import type { Consumer, ConsumerOptions } from "../../../src/consume/consumer-types.ts";
import type { Assignment, Settlement, Sink } from "../../../src/driver/consumer-driver.ts";
import type { HandledAhead } from "../../../src/position/handled-ahead.ts";
import type { StoredRecord } from "../../../src/driver/record.ts";
import { StreamError } from "../../../src/errors.ts";
import { type Bench, assignment, bench, record, turns, until } from "./fake-driver.ts";

/** The same numbers for the same seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(part: number): boolean {
    return this.next() < part;
  }

  of<T>(...values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** One partition and the progress of one group in it, as a provider keeps them, and what is true of each message. */
class Model {
  /** The message at each position; `null`: compaction has removed it. */
  readonly log: (number | null)[];
  readonly #keys: readonly (string | null)[];
  readonly handled = new Set<number>();
  /** Handled, and named so by what is stored: no restart may repeat them. */
  readonly settled = new Set<number>();
  /** Once they could not be read. */
  readonly damaged = new Set<number>();
  readonly problems: string[] = [];
  place = 0;
  ahead: HandledAhead | null = null;
  /** Which messages `ahead` is about, by position: others may be stored there now. */
  aheadOf: readonly (number | null)[] = [];
  note = 0;
  #messages: number;

  constructor(size: number, key: () => string | null) {
    this.log = Array.from({ length: size }, (_, index) => index);
    this.#keys = this.log.map(key);
    this.#messages = size;
  }

  keyOf(message: number): string | null {
    return this.#keys[message % this.#keys.length]!;
  }

  #isNamed(position: number): boolean {
    if (position < this.place) return true;
    if (this.ahead === null || position >= this.cutOf(this.aheadOf) || position > Number(this.ahead.upTo)) return false;
    return !this.ahead.except.includes(String(position));
  }

  /** The first position where another message is stored than this says. */
  cutOf(known: readonly (number | null | undefined)[]): number {
    // What compaction removes is not replaced by another message.
    const cut = known.findIndex(
      (message, position) => message !== undefined && this.log[position] !== null && message !== this.log[position],
    );
    return cut < 0 ? Infinity : cut;
  }

  /** `of`: the messages that the member means. */
  store({ through, ahead }: Settlement, capacity: number, of: readonly (number | null)[]): void {
    if (through !== null) this.place = Math.max(this.place, Number(through) + 1);
    this.aheadOf = of;
    this.#requireOrder(ahead);
    this.ahead = ahead === null ? null : fitted(ahead, capacity, this.place);
    this.note += 1;
    this.settled.clear();
    for (const [position, message] of this.log.entries()) {
      if (message === null || !this.#isNamed(position)) continue;
      if (this.handled.has(message)) this.settled.add(message);
      else this.problems.push(`stored ${this.place} and ${JSON.stringify(ahead)} before ${position} was handled`);
    }
  }

  #requireOrder(ahead: HandledAhead | null): void {
    if (ahead === null) return;
    const positions = [this.place - 1, ...ahead.except.map(Number), Number(ahead.upTo)];
    if (positions.some((position, at) => at > 0 && position <= positions[at - 1]!)) {
      this.problems.push(`stored ${JSON.stringify(ahead)} beside ${this.place}, which is not in order`);
    }
  }

  /** The group is moved: what is behind it is done with, and what is ahead is to be handled once more. */
  reset(place: number): void {
    this.place = place;
    this.ahead = null;
    this.note += 1;
    this.settled.clear();
    for (const [position, message] of this.log.entries()) {
      if (message === null) continue;
      if (position >= place) this.handled.delete(message);
      else this.handled.add(message);
    }
  }

  compact(position: number): void {
    this.log[position] = null;
  }

  /** From this position on, other messages are stored. */
  truncate(from: number): void {
    for (let position = from; position < this.log.length; position += 1) this.log[position] = this.#messages++;
  }

  get isDone(): boolean {
    return this.log.every((message) => message === null || this.handled.has(message));
  }
}

/** What does not fit is left out from the end. */
function fitted({ upTo, except }: HandledAhead, capacity: number, place: number): HandledAhead | null {
  if (except.length <= capacity) return { upTo, except };
  const kept = except.slice(0, capacity);
  let end = Number(except[capacity]) - 1;
  while (kept.length > 0 && Number(kept.at(-1)) === end) {
    kept.pop();
    end -= 1;
  }
  return end < place ? null : { upTo: String(end), except: kept };
}

/** One process: a member of the group with its handlers. It may own the partition several times. */
class Process {
  readonly #model: Model;
  readonly #random: Random;
  readonly #it: Bench = bench();
  readonly #order: "key" | "partition" | "none";
  readonly #usesAhead: boolean;
  readonly #isCalm: boolean;
  readonly #consumer: Consumer<string>;
  readonly #ended: Promise<unknown>;
  readonly #stuck: (() => void)[] = [];
  readonly #busy = new Set<string>();
  /** `null`: it does not own the partition now. */
  #current: Assignment | null = null;
  #former: Assignment | null = null;
  #noteKnown = -1;
  #isAlive = true;
  #isLeaving = false;
  #failsToStore = false;
  #capacity = Infinity;
  #start = 0;
  #read = 0;
  /** The messages that its inheritance is about, and those that it has read since it has resumed nothing, by position. */
  #inherited: readonly (number | null)[] = [];
  #seen: (number | null | undefined)[] = [];
  /** From this position on, it was told to forget what it inherits. */
  #forgottenFrom = Infinity;
  /** Handled under the current ownership. */
  #handledNow = new Set<number>();
  /** That, and what was handled under those that it resumes. */
  #known = new Set<number>();
  /** The messages of the range that it cannot read. */
  #damaged: number[] = [];

  /** `isCalm`: nothing goes wrong. */
  constructor(model: Model, random: Random, isCalm = false) {
    this.#model = model;
    this.#random = random;
    this.#isCalm = isCalm;
    this.#order = random.of("key", "key", "partition", "none");
    this.#usesAhead = !random.chance(0.1);
    const options: Partial<ConsumerOptions> = {
      order: this.#order,
      concurrency: random.of(1, 2, 4, 16),
      maxAhead: random.of(1, 3, 10, 1_000),
      maxBufferedBytes: random.of(1, 60, 100_000),
      retry: { maxAttempts: 2, initialDelayMs: 0, maxDelayMs: 1 },
      batch: { maxMessages: random.of(1, 3, 7) },
      onFailure: ({ message }) => {
        const failed =
          message.value === null || message.value.length === 0 ? this.#damaged : [Number(Buffer.from(message.value).toString())];
        if (this.#current !== null) this.#count(failed);
        return "skip";
      },
      commit: { everyMs: 60_000, everyMessages: random.of(1, 2, 5), ahead: this.#usesAhead },
    };
    this.#consumer = this.#it.consumer(options);
    const running = random.chance(0.3)
      ? this.#consumer.runBatches((messages) => this.#handle(messages.map(({ value }) => Number(value))))
      : this.#consumer.run(({ value }) => this.#handle([Number(value)]));
    this.#ended = running.catch((error: unknown) => model.problems.push(`it failed: ${String(error)}`));
    this.#it.driver.onSettle = (settlements) => this.#settle(settlements);
  }

  async #settle(settlements: readonly Settlement[]): Promise<void> {
    // What a settlement means is certain when it is made: later, other messages may have been read.
    const of = [...this.#model.log.slice(0, this.#read), ...this.#inherited.slice(this.#read)];
    await turns(this.#random.below(2));
    const mayFail = !this.#isCalm && !this.#isLeaving;
    const unavailable = new StreamError("unavailable", "not now", { retryable: true });
    if (mayFail && (this.#failsToStore || this.#random.chance(0.05))) throw unavailable;
    for (const settlement of settlements) {
      if (!this.#isAlive || settlement.assignment !== this.#current) throw new StreamError("ownership-lost", "of an earlier ownership");
      this.#model.store(settlement, this.#capacity, of);
      // The answer is lost: this member does not know what is stored.
      if (mayFail && this.#random.chance(0.05)) {
        this.#noteKnown = -1;
        throw unavailable;
      }
      this.#noteKnown = this.#model.note;
    }
  }

  async #handle(messages: readonly number[]): Promise<void> {
    const owned = this.#current;
    const lanes = new Set(messages.flatMap((message) => this.#laneOf(message) ?? []));
    this.#check(messages, lanes);
    for (const lane of lanes) this.#busy.add(lane);
    try {
      if (!this.#isCalm) {
        const fate = this.#random.next();
        if (fate < 0.12) await new Promise<void>((resolve) => this.#stuck.push(resolve));
        else if (fate < 0.7) await turns(this.#random.below(5));
        if (this.#random.chance(0.15)) throw new Error("not now");
      }
      // A result of an ownership that is over does not count.
      if (owned !== null && this.#current === owned) this.#count(messages);
    } finally {
      for (const lane of lanes) this.#busy.delete(lane);
    }
  }

  #count(messages: readonly number[]): void {
    for (const message of messages) for (const set of [this.#model.handled, this.#handledNow]) set.add(message);
    void this.#know(messages, this.#current);
  }

  /** The consumer learns a result in the turn in which the handler ends. Where the partition is lost in that turn, it may not know it. */
  async #know(messages: readonly number[], owned: Assignment | null): Promise<void> {
    await turns(1);
    if (this.#current === owned) for (const message of messages) this.#known.add(message);
  }

  #check(messages: readonly number[], lanes: ReadonlySet<string>): void {
    const { problems, settled, log, handled, damaged } = this.#model;
    for (const lane of lanes) if (this.#busy.has(lane)) problems.push(`two handlers of ${lane}`);
    for (const message of messages) {
      const position = log.indexOf(message);
      if (this.#handledNow.has(message)) problems.push(`handled ${position} twice`);
      const isKnown = this.#usesAhead && position < this.#forgottenFrom && !damaged.has(message);
      if (isKnown && this.#known.has(message)) problems.push(`repeated ${position}, which this member knew to be handled`);
      if (isKnown && settled.has(message)) problems.push(`repeated ${position}, which was stored as handled`);
      const lane = this.#laneOf(message);
      for (let before = this.#start; lane !== null && before < position; before += 1) {
        const earlier = log[before];
        if (earlier === null || earlier === undefined || this.#laneOf(earlier) !== lane) continue;
        if (!handled.has(earlier) && !messages.includes(earlier)) problems.push(`handled ${position} before ${before}`);
      }
    }
  }

  #laneOf(message: number): string | null {
    return this.#order === "none" ? null : this.#order === "partition" ? "the partition" : this.#model.keyOf(message);
  }

  /** The group gives it the partition. It reads a part of the log. */
  async own(): Promise<void> {
    const model = this.#model;
    const random = this.#random;
    const resumes = this.#former !== null && this.#noteKnown === model.note ? this.#former : null;
    if (resumes === null) {
      this.#known = new Set();
      this.#seen = [];
    }
    this.#inherited = model.ahead === null ? [] : model.aheadOf.slice(0, Number(model.ahead.upTo) + 1);
    this.#forgottenFrom = Infinity;
    this.#handledNow = new Set();
    this.#damaged = [];
    this.#noteKnown = model.note;
    this.#capacity = this.#isCalm ? Infinity : random.of(0, 1, 3, Infinity, Infinity, Infinity);
    this.#start = model.place;
    this.#read = model.place;
    const mine = assignment("0", { ahead: model.ahead, resumes });
    const sink = await this.#it.sink();
    this.#current = mine;
    sink.assigned(mine);
    const { length } = model.log;
    const end = this.#isCalm || random.chance(0.4) ? length : this.#read + random.below(length - this.#read + 1);
    while (this.#read < end) {
      await this.#deliver(sink, mine, Math.min(end, this.#read + 1 + random.below(6)));
      if (random.chance(0.3)) await turns(random.below(4));
      if (!this.#isCalm && random.chance(0.02) && this.#read < length) model.truncate(this.#read + random.below(length - this.#read));
    }
  }

  async #deliver(sink: Sink, mine: Assignment, end: number): Promise<void> {
    const { log } = this.#model;
    const cut = Math.max(this.#read, Math.min(this.#model.cutOf(this.#inherited), this.#model.cutOf(this.#seen)));
    if (cut < end && cut < this.#forgottenFrom) {
      sink.forgetAhead(mine, String(cut));
      this.#forgottenFrom = cut;
      // Also by the ownerships that resume this one.
      for (const message of log.slice(cut)) if (message !== null && !this.#handledNow.has(message)) this.#known.delete(message);
    }
    for (let position = this.#read; position < end; position += 1) this.#seen[position] = log[position];
    if (!this.#isCalm && this.#damaged.length === 0 && this.#random.chance(0.04)) {
      const range = { first: String(this.#read), last: String(end - 1), reason: "damaged", cause: null };
      this.#damaged = log.slice(this.#read, end).filter((message) => message !== null);
      this.#read = end;
      // What lies behind a range that is not settled is forgotten with it: it may be readable the next time.
      for (const message of log.slice(Number(range.first))) if (message !== null) this.#known.delete(message);
      for (const message of this.#damaged) this.#model.damaged.add(message);
      await Promise.race([sink.unreadable(mine, range), turns(6)]);
      return;
    }
    const slice: StoredRecord[] = [];
    while (this.#read < end) {
      const message = log[this.#read]!;
      if (message === null) break;
      slice.push(record(this.#read, this.#model.keyOf(message), { value: Buffer.from(String(message)) }));
      this.#read += 1;
    }
    if (slice.length > 0) await Promise.race([sink.deliver(mine, slice), turns(6)]);
    if (this.#read === end) return;
    sink.advanced(mine, String(this.#read));
    this.#read += 1;
  }

  /** The partition is taken without notice. Handlers that run go on. */
  async lose(): Promise<void> {
    this.#failsToStore = this.#random.chance(0.5);
    await turns(this.#random.below(5));
    this.#former = this.#current;
    this.#current = null;
    this.#it.driver.sink!.lost(this.#former!);
    this.#failsToStore = false;
  }

  /** It leaves properly: what was handled is stored. */
  async leave(): Promise<void> {
    this.#consumer.pause();
    this.#isLeaving = true;
    await turns(12);
    const owned = this.#current !== null;
    await this.#end();
    if (!owned || !this.#usesAhead || this.#capacity < Infinity || this.#damaged.length > 0) return;
    for (const message of this.#handledNow) {
      const position = this.#model.log.indexOf(message);
      if (position >= 0 && !this.#model.settled.has(message)) this.#model.problems.push(`did not store that ${position} was handled`);
    }
  }

  /** Nothing of it reaches the provider any more. */
  async kill(): Promise<void> {
    this.#isAlive = false;
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.#consumer.close({ timeoutMs: 1 });
    this.#current = null;
    for (const resolve of this.#stuck.splice(0)) resolve();
    await this.#ended;
  }
}

/**
 * One history of a group: members that leave, are killed, lose the partition and get it back, while handlers fail or hang, commits fail,
 * what is stored ahead does not always fit, the group is moved, and the log is compacted, damaged and cut.
 * @returns what was repeated though it was settled, skipped though it was not handled, or handled in the wrong order
 */
export async function playHistory(seed: number): Promise<readonly string[]> {
  const random = new Random(seed);
  const keys = random.of(["a"], ["a", "b", "c"], ["a", "b", "c", null], [null]);
  const model = new Model(1 + random.below(40), () => random.of(...keys));
  let idle: Process[] = [];
  for (let round = 1 + random.below(6); round > 0; round -= 1) {
    const process = idle.length > 0 && random.chance(0.7) ? random.of(...idle) : new Process(model, random);
    idle = idle.filter((other) => other !== process);
    await process.own();
    const end = random.next();
    if (end < 0.35) await process.leave();
    else if (end < 0.6) await process.kill();
    else {
      await process.lose();
      idle.push(process);
    }
    if (random.chance(0.1)) model.reset(random.below(model.log.length + 1));
    if (random.chance(0.2)) model.compact(random.below(model.log.length));
    if (random.chance(0.1) && model.place < model.log.length) {
      model.truncate(model.place + random.below(model.log.length - model.place));
    }
  }
  const last = new Process(model, random, true);
  await last.own();
  await until(() => model.isDone || model.problems.length > 0);
  await last.leave();
  for (const other of idle) await other.kill();
  return model.problems;
}
