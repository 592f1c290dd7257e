import { FaultPlan } from "../../faults/fault-plan.ts";
import type { Fault } from "../../../src/driver/index.ts";
import { EmulatorClock } from "../clock.ts";
import { Deadlines } from "../deadlines.ts";
import { CallFaults, Delays } from "../faults/call-faults.ts";
import { type FaultEffect, PUBSUB_FAULTS } from "../faults/fault-effect.ts";
import { InvalidMessages } from "../faults/invalid-messages.ts";
import { Code, Refusal, idOf } from "../refusal.ts";
import type { Subject } from "../requests/call.ts";
import { Registry } from "../resources/registry.ts";
import type { Subscription } from "../resources/subscription.ts";
import type { MessageCodec } from "../wire/message-codec.ts";

export interface CoreOptions {
  readonly codec: MessageCodec;
  readonly projects: ReadonlySet<string> | null;
  readonly visibilityDelayMs: number;
  readonly publishClocksMs: readonly number[];
  readonly secondMs: number;
  readonly firstFaultTurn: number;
  /** Breaks all connections. */
  readonly breakAll: () => void;
}

/** How long a restart takes. */
const RESTART_MS = 50;

const ENDED = "The service was unable to fulfill your request. Please try again.";

/** The state of the emulator, and what is planned to happen to its calls. It knows nothing of connections. */
export class EmulatorCore {
  readonly clock = new EmulatorClock();
  readonly deadlines = new Deadlines(this.clock);
  readonly delays = new Delays();
  readonly invalidMessages = new InvalidMessages();
  readonly registry: Registry;
  readonly faults: FaultPlan<readonly FaultEffect[]>;
  readonly secondMs: number;
  readonly #breakAll: () => void;
  #isDown = false;
  readonly #up: (() => void)[] = [];

  constructor({ codec, projects, visibilityDelayMs, publishClocksMs, secondMs, firstFaultTurn, breakAll }: CoreOptions) {
    const { clock, deadlines } = this;
    this.secondMs = secondMs;
    this.#breakAll = breakAll;
    this.registry = new Registry({ clock, deadlines, codec, projects, visibilityDelayMs, publishClocksMs });
    this.faults = new FaultPlan({ ...PUBSUB_FAULTS, applyAtOnce: (fault) => this.#applyAtOnce(fault) }, firstFaultTurn);
  }

  /** Counts the call. @returns what happens to it */
  take(name: string, subject: () => Subject): CallFaults {
    if (this.faults.isEmpty) return CallFaults.NONE;
    const { topic, subscription: subscriptionName, snapshot: snapshotName } = subject();
    const subscription = this.registry.findSubscription(subscriptionName ?? "");
    const names = [topic, subscription?.topic?.name, snapshotName === undefined ? undefined : this.#topicOfSnapshot(snapshotName)];
    const topics = new Map(names.filter((found) => found !== undefined && found !== "").map((found) => [idOf(found!), null]));
    return new CallFaults(this.faults.take({ name, topics, hasGroup: subscriptionName !== undefined }));
  }

  /** Lets all leases of one member run out. @param ackIds one of them names the member; else it is any that has leases */
  expireMember(subscription: Subscription, ackIds: readonly string[]): boolean {
    const named = ackIds.map((ackId) => subscription.holderOf(ackId)).find((holder) => holder !== null);
    if (named !== undefined) return subscription.expireLeases(named);
    return subscription.connected.some((member) => subscription.expireLeases(member));
  }

  /** Ends the streams of a subscription, and lets all its leases run out. @returns whether there was a stream */
  endMembers(subscription: Subscription): boolean {
    const isAny = subscription.connected.length > 0;
    subscription.endStreams(Code.unavailable, ENDED);
    subscription.expireLeases();
    return isAny;
  }

  /** All connections break, all streams end, and all leases run out. Until it is over the service refuses every call. */
  restart(): void {
    for (const subscription of this.registry.allSubscriptions) this.endMembers(subscription);
    this.#breakAll();
    if (this.#isDown) return;
    this.#isDown = true;
    this.delays.after(RESTART_MS, () => {
      this.#isDown = false;
      for (const tell of this.#up.splice(0)) tell();
    });
  }

  /** Resolves when no restart is going on. */
  async whenUp(): Promise<void> {
    if (this.#isDown) await new Promise<void>((resolve) => this.#up.push(resolve));
  }

  /** @throws `Refusal` (UNAVAILABLE) during a restart */
  checkUp(): void {
    if (this.#isDown) throw new Refusal(Code.unavailable, ENDED);
  }

  close(): void {
    this.delays.close();
    this.registry.close();
    this.deadlines.close();
  }

  #applyAtOnce({ kind, topic }: Fault): boolean {
    const all = [...this.registry.allSubscriptions];
    const meant = topic === undefined ? all : all.filter((subscription) => subscription.topic?.id === topic);
    if (kind === "steal-partition") return meant.map((subscription) => this.expireMember(subscription, [])).includes(true);
    if (kind === "lose-coordinator") return meant.map((subscription) => this.endMembers(subscription)).includes(true);
    if (kind !== "restart") return false;
    this.restart();
    return true;
  }

  #topicOfSnapshot(name: string): string | undefined {
    return this.registry.findSnapshot(name)?.topic?.name;
  }
}
