import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EmulatorClock } from "../../../../localstack/pubsub/clock.ts";
import { Deadlines } from "../../../../localstack/pubsub/deadlines.ts";
import { Backlog, type BacklogOwner } from "../../../../localstack/pubsub/delivery/backlog.ts";
import type { Consumer } from "../../../../localstack/pubsub/delivery/consumer.ts";
import type { Lease } from "../../../../localstack/pubsub/delivery/lease.ts";
import type { StoredMessage } from "../../../../localstack/pubsub/delivery/stored-message.ts";

// Random histories of a subscription: whatever happens, nothing that was not acknowledged is lost, and keys keep their order.

const DEADLINE_MS = 10_000;

class Member implements Consumer {
  readonly ackDeadlineMs = DEADLINE_MS;
  readonly leases: Lease[] = [];
  readonly clientId: string;
  readonly isSingle: boolean;
  outstanding = 0;
  isConnected = true;
  readonly #room: number;
  readonly #changed: () => void;
  readonly #delivered: (lease: Lease, to: Member) => void;

  constructor(
    options: { readonly clientId: string; readonly isSingle: boolean; readonly room: number },
    changed: () => void,
    delivered: (lease: Lease, to: Member) => void,
  ) {
    this.#delivered = delivered;
    this.clientId = options.clientId;
    this.isSingle = options.isSingle;
    this.#room = options.room;
    this.#changed = changed;
  }

  get hasRoom(): boolean {
    return this.isConnected && this.outstanding < this.#room && !(this.isSingle && this.leases.length >= this.#room);
  }

  prepare(): boolean {
    return true;
  }

  deliver(lease: Lease): void {
    this.leases.push(lease);
    this.outstanding += 1;
    this.#delivered(lease, this);
  }

  /** Whether a message of this key is outstanding here. */
  has(key: string): boolean {
    return this.leases.some((lease) => lease.entry.lease === lease && lease.entry.message.orderingKey === key);
  }

  flush(): void {
    if (this.isSingle) this.isConnected = false;
  }

  released(): void {
    this.outstanding -= 1;
    this.#changed();
  }
}

type Step =
  | { readonly what: "publish"; readonly key: string }
  | { readonly what: "join"; readonly clientId: string; readonly isSingle: boolean; readonly room: number }
  | { readonly what: "leave" | "steal"; readonly member: number }
  | { readonly what: "acknowledge" | "refuse" | "extend"; readonly member: number; readonly lease: number }
  | { readonly what: "advance"; readonly ms: number };

const index = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ what: fc.constant("publish" as const), key: fc.constantFrom("", "a", "b", "c") }), weight: 6 },
  {
    arbitrary: fc.record({
      what: fc.constant("join" as const),
      clientId: fc.constantFrom("", "me"),
      isSingle: fc.boolean(),
      room: fc.integer({ min: 1, max: 6 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ what: fc.constantFrom("leave" as const, "steal" as const), member: index }), weight: 3 },
  {
    arbitrary: fc.record({
      what: fc.constantFrom("acknowledge" as const, "acknowledge" as const, "refuse" as const, "extend" as const),
      member: index,
      lease: index,
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ what: fc.constant("advance" as const), ms: fc.constantFrom(3_000, 11_000) }), weight: 1 },
);

class History {
  readonly clock = new EmulatorClock();
  readonly deadlines = new Deadlines(this.clock);
  readonly stored: StoredMessage[] = [];
  readonly acknowledged = new Set<number>();
  readonly members: Member[] = [];
  readonly backlog: Backlog;
  /** Deliveries of a key to one while another had a message of it. */
  readonly shared: string[] = [];
  /** What each client got, in time. Streams with the same client id are one client, which was connected again. */
  readonly received = new Map<Member | string, Lease[]>();
  readonly #isOrdered: boolean;

  constructor(settings: Pick<BacklogOwner, "isOrdered" | "isExactlyOnce">) {
    this.#isOrdered = settings.isOrdered;
    this.backlog = new Backlog(
      {
        ...settings,
        retainedFromMs: 0,
        acknowledged: ({ sequence }) => void this.acknowledged.add(sequence),
        takenBack: ({ sequence }) => void this.acknowledged.delete(sequence),
        forward: () => false,
      },
      this.deadlines,
    );
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      this.#carryOut(each);
      await turn();
      await turn();
    }
  }

  join(options: { readonly clientId: string; readonly isSingle: boolean; readonly room: number }): Member {
    const member = new Member(
      options,
      () => this.backlog.roomChanged(),
      (lease, to) => this.#delivered(lease, to),
    );
    this.members.push(member);
    this.backlog.connect(member);
    return member;
  }

  #delivered(lease: Lease, to: Member): void {
    const client = to.clientId === "" ? to : to.clientId;
    this.received.set(client, [...(this.received.get(client) ?? []), lease]);
    const { orderingKey } = lease.entry.message;
    if (!this.#isOrdered || orderingKey === "") return;
    const others = this.members.filter((member) => member !== to && member.has(orderingKey));
    const strangers = others.filter(({ clientId, isConnected }) => clientId === "" || clientId !== to.clientId || isConnected);
    if (strangers.length > 0) this.shared.push(orderingKey);
  }

  #carryOut(each: Step): void {
    if (each.what === "publish") return this.#publish(each.key);
    // A unary Pull has no client id.
    if (each.what === "join") return void this.join({ ...each, clientId: each.isSingle ? "" : each.clientId });
    if (each.what === "advance") return this.clock.advance(each.ms);
    const member = this.members[each.member % Math.max(1, this.members.length)];
    if (member === undefined) return;
    if (each.what === "steal") return void this.backlog.expireLeases(member);
    if (each.what === "leave") {
      member.isConnected = false;
      return this.backlog.disconnect(member);
    }
    if (!("lease" in each)) return;
    const lease = member.leases[each.lease % Math.max(1, member.leases.length)];
    if (lease === undefined) return;
    if (each.what === "acknowledge") this.backlog.acknowledge([lease.ackId]);
    else this.backlog.modifyDeadlines([{ ackId: lease.ackId, ms: each.what === "refuse" ? 0 : 2 * DEADLINE_MS }]);
  }

  #publish(orderingKey: string): void {
    const sequence = this.stored.length + 1;
    const message = { sequence, id: String(sequence), publishedAtMs: this.clock.nowMs, orderingKey, bytes: Buffer.alloc(1) };
    this.stored.push(message);
    this.backlog.add(message);
  }
}

const sequencesOf = (leases: readonly Lease[], key: string): readonly number[] =>
  leases
    .map(({ entry }) => entry.message)
    .filter(({ orderingKey }) => orderingKey === key)
    .map(({ sequence }) => sequence);

/** @returns whether each message comes after all earlier ones of the key that came before it for the first time */
function firstsAreInOrder(sequences: readonly number[]): boolean {
  const firsts = [...new Set(sequences)];
  return firsts.every((sequence, at) => at === 0 || firsts[at - 1]! < sequence);
}

test.each([
  { isOrdered: true, isExactlyOnce: false },
  { isOrdered: true, isExactlyOnce: true },
  { isOrdered: false, isExactlyOnce: false },
  { isOrdered: false, isExactlyOnce: true },
])("$isOrdered, $isExactlyOnce: all that is not acknowledged is delivered in the end, each key in its order", async (settings) => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
    const history = new History(settings);
    await history.run(steps);
    const before = new Set(history.acknowledged);
    for (const member of history.members) {
      member.isConnected = false;
      history.backlog.disconnect(member);
    }
    const last = history.join({ clientId: "", isSingle: false, room: Infinity });
    // Leases of those that are gone run out, also extended ones.
    history.clock.advance(3 * DEADLINE_MS);
    const acknowledged = new Set<Lease>();
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await turn();
      for (const lease of last.leases) {
        if (acknowledged.has(lease)) continue;
        quiet = 0;
        acknowledged.add(lease);
        expect(history.backlog.acknowledge([lease.ackId])).toEqual(new Map());
      }
    }
    const all = history.stored.map(({ sequence }) => sequence);
    expect([...history.acknowledged].toSorted((one, other) => one - other)).toEqual(all);
    expect(history.backlog.messages).toEqual([]);
    if (settings.isExactlyOnce) expect(last.leases.filter(({ entry }) => before.has(entry.message.sequence))).toEqual([]);
    if (settings.isOrdered) {
      for (const key of ["a", "b", "c"]) {
        expect(sequencesOf(last.leases, key)).toEqual(sequencesOf(last.leases, key).toSorted((one, other) => one - other));
        for (const leases of history.received.values()) expect(firstsAreInOrder(sequencesOf(leases, key))).toBe(true);
      }
    }
    expect(history.shared).toEqual([]);
    history.backlog.close();
    history.deadlines.close();
  });
  await fc.assert(property, { numRuns: 150, seed: 42 });
});
