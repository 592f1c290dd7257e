import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";
import type { FaultKind } from "../../driver/fault.ts";
import type { Message } from "../../message.ts";
import type { Producer } from "../../publish/producer-types.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { checkNothingForeign, checkOrder } from "../history/check.ts";
import type { History } from "../history/history.ts";
import type { Random } from "../history/random.ts";
import { type Sequenced, keyNames } from "../history/sequenced.ts";
import type { Member } from "../member.ts";
import { Overlaps } from "./overlaps.ts";
import { readStored, untilComplete } from "./stream-steps.ts";

const PRODUCERS = 3;
const KEYS_OF_A_PRODUCER = 5;
const MOST_MEMBERS = 4;
const STEPS = 40;
const STALL_MS = 15;

interface Sender {
  producer: Producer<Sequenced>;
  readonly keys: readonly string[];
}

/**
 * A run in which producers and members start, stop, send, pause, fail and meet faults, as a seed decides. The history holds what was
 * sent and what was received; the caller checks it.
 */
export class RandomRun {
  readonly overlaps = new Overlaps();
  /** The number of events after which messages may be redelivered. */
  upheavals = 0;
  readonly #context: CaseContext;
  readonly #topic: CaseTopic;
  readonly #group: string;
  readonly #history: History;
  readonly #random: Random;
  readonly #faults: readonly FaultKind[];
  readonly #senders: Sender[];
  readonly #sends: Promise<unknown>[] = [];
  readonly #leaving: Promise<void>[] = [];
  #members: Member<Sequenced>[] = [];
  #joined = 0;

  constructor(context: CaseContext, topic: CaseTopic, group: string, history: History, random: Random, faults: readonly FaultKind[]) {
    this.#context = context;
    this.#topic = topic;
    this.#group = group;
    this.#history = history;
    this.#random = random;
    this.#faults = faults;
    this.#senders = Array.from({ length: PRODUCERS }, (_, number) => ({
      producer: this.#open(),
      keys: keyNames(KEYS_OF_A_PRODUCER).map((key) => `${number}-${key}`),
    }));
  }

  /** Runs the steps that the seed decides, then waits until every sent message was received and every member has left. */
  async run(): Promise<void> {
    this.#join();
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    await this.#context.within(Promise.all(this.#sends), "every send to resolve");
    await this.#context.within(Promise.all(this.#senders.map(async ({ producer }) => producer.close())), "every producer to close");
    if (this.#members.length === 0) this.#join();
    for (const { consumer } of this.#members) consumer.resume();
    await untilComplete(this.#context, this.#history);
    await this.#context.within(Promise.all(this.#leaving), "the members that leave to have left");
    if (this.#faults.length === 0 && this.#context.capabilities.lagInMessages) await this.#untilStored();
    await Promise.all(this.#members.map(async (member) => member.close()));
  }

  /** Messages that a leaving member handled may be redelivered to other members. This waits until their progress is stored too. */
  async #untilStored(): Promise<void> {
    await this.#context.deadline.untilAsked(
      async () => (await this.#context.admin.lag(this.#topic.name, this.#group)).messages === 0,
      "the progress of a group that has handled everything to be stored",
    );
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const action = random.between(1, 20);
    if (action <= 9) this.#send();
    else if (action <= 12) this.#join();
    else if (action <= 14) this.#leave();
    else if (action === 15) this.#pause();
    else if (action === 16) await this.#replaceProducer();
    else if (action === 17) await this.#replay();
    else if (action <= 19) await this.#injectFault();
    else await later(random.between(1, 5));
    for (let turn = random.between(0, 2); turn > 0; turn -= 1) await nextTurn();
  }

  #open(): Producer<Sequenced> {
    return sequencedTopic(this.#context.connection, this.#topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 20 } });
  }

  #send(): void {
    const { producer, keys } = this.#random.pick(this.#senders);
    const next = (): { readonly value: Sequenced } => ({ value: this.#history.next(this.#topic.name, this.#random.pick(keys)) });
    const count = this.#random.between(1, 12);
    if (this.#random.oneIn(3)) this.#sends.push(this.#context.later(producer.sendBatch(Array.from({ length: count }, next))));
    else for (let sent = 0; sent < count; sent += 1) this.#sends.push(this.#context.later(producer.send(next())));
  }

  #join(): void {
    if (this.#members.length >= MOST_MEMBERS) return;
    this.#joined += 1;
    this.upheavals += 1;
    const random = this.#random;
    const name = `member-${this.#joined}`;
    const options = {
      group: this.#group,
      concurrency: random.between(1, 6),
      commit: { everyMs: random.pick([5, 50, 200]), everyMessages: random.pick([1, 10, 1_000]) },
      retry: { initialDelayMs: 1, maxDelayMs: 5, maxAttempts: 20 },
    };
    const slowness = random.pick([0, 0, 1, 2]);
    const handle = async (message: Message<Sequenced>, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
      const { key } = message.value;
      await this.overlaps.during(`${name} ${key}`, "no two handlers of a key at once in a member", async () => {
        if (slowness > 0) await later(slowness);
        else if (random.oneIn(2)) await nextTurn();
      });
      // After its signal has aborted, the result of a handler does not count: it is not recorded.
      if (signal.aborted) return;
      if (random.oneIn(25)) throw new Error("fails now and then");
      this.#history.receive(message, name);
    };
    this.#members.push(this.#context.member(this.#topic, options, handle));
  }

  #leave(): void {
    if (this.#members.length === 0) return;
    this.upheavals += 1;
    const member = this.#random.pick(this.#members);
    this.#members = this.#members.filter((other) => other !== member);
    // Some members wait for their handlers, some do not.
    this.#leaving.push(this.#context.later(member.close(this.#random.pick([3, 5_000, 5_000]))));
  }

  #pause(): void {
    if (this.#members.length === 0) return;
    const { consumer } = this.#random.pick(this.#members);
    consumer.pause();
    for (const other of this.#members) if (other.consumer !== consumer) other.consumer.resume();
  }

  /** Another producer continues with the same keys once the first has stored its messages. */
  async #replaceProducer(): Promise<void> {
    const sender = this.#random.pick(this.#senders);
    await this.#context.within(sender.producer.close(), "a producer to close");
    sender.producer = this.#open();
  }

  /** A replay in the middle of the run: everything that it reads was sent and is in order. */
  async #replay(): Promise<void> {
    const stored = this.#context.history();
    await readStored(this.#context, stored, this.#topic);
    checkNothingForeign(this.#history.sent, stored.received, this.#topic.name);
    checkOrder(stored.received);
  }

  async #injectFault(): Promise<void> {
    if (this.#faults.length === 0) return;
    this.upheavals += 2;
    await this.#context.inject({
      kind: this.#random.pick(this.#faults),
      topic: this.#topic.name,
      after: this.#random.between(0, 3),
      times: this.#random.between(1, 2),
      durationMs: STALL_MS,
    });
  }
}
