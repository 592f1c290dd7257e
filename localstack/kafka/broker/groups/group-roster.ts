import { clearTimeout, setTimeout } from "node:timers";
import { WireReader } from "../wire/wire-reader.ts";
import type { GroupMember, MemberDetails } from "./group-member.ts";

const CONSUMER = "consumer";

/** The members of a group, its leader, and what its members have in common. */
export class GroupRoster {
  leaderId: string | null = null;
  /** The protocol type of the members, or of the last ones that the group had. */
  protocolType: string | null = null;
  readonly #members = new Map<string, GroupMember>();
  /** Member ids that were assigned and have not joined yet. */
  readonly #expected = new Map<string, NodeJS.Timeout>();

  get all(): readonly GroupMember[] {
    return [...this.#members.values()];
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get isExpectingMore(): boolean {
    return this.#expected.size > 0;
  }

  get(memberId: string): GroupMember | undefined {
    return this.#members.get(memberId);
  }

  withInstanceId(groupInstanceId: string): GroupMember | undefined {
    return this.all.find(({ details }) => details.groupInstanceId === groupInstanceId);
  }

  add(member: GroupMember): void {
    this.forget(member.memberId);
    this.#members.set(member.memberId, member);
    this.protocolType = member.details.protocolType;
    this.leaderId ??= member.memberId;
  }

  /** If this member was the leader, another one becomes it. */
  remove(member: GroupMember): void {
    member.end();
    this.#members.delete(member.memberId);
    if (this.leaderId === member.memberId) this.leaderId = this.#members.keys().next().value ?? null;
  }

  /** Expects the id to join. `giveUp` runs if it does not join in time. */
  expect(memberId: string, withinMs: number, giveUp: () => void): void {
    const timer = setTimeout(() => {
      this.#expected.delete(memberId);
      giveUp();
    }, withinMs);
    this.#expected.set(memberId, timer);
  }

  isExpected(memberId: string): boolean {
    return this.#expected.has(memberId);
  }

  /** Stops expecting the id. */
  forget(memberId: string): void {
    clearTimeout(this.#expected.get(memberId));
    this.#expected.delete(memberId);
  }

  forgetExpected(): void {
    for (const memberId of this.#expected.keys()) this.forget(memberId);
  }

  /** The longest rebalance time-out of the members. */
  get rebalanceTimeoutMs(): number {
    return Math.max(0, ...this.all.map(({ details }) => details.rebalanceTimeoutMs));
  }

  /** Whether a member with these protocols can join the members of the group. */
  supports({ protocolType, protocols }: MemberDetails): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    return this.isEmpty || (protocolType === this.protocolType && protocols.some(({ name }) => this.#haveAll(name)));
  }

  /** Each member votes for the first of its protocols that all members have. */
  get chosenProtocol(): string {
    const votes = new Map<string, number>();
    for (const { details } of this.#members.values()) {
      const vote = details.protocols.find(({ name }) => this.#haveAll(name));
      if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), ["", 0])[0];
  }

  #haveAll(protocol: string): boolean {
    return this.all.every(({ details }) => details.protocols.some(({ name }) => name === protocol));
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER;
  }

  /** The topics that the members of a consumer group subscribe to. */
  get topics(): ReadonlySet<string> {
    const protocols = this.all.flatMap(({ details }) => (details.protocolType === CONSUMER ? details.protocols : []));
    return new Set(protocols.flatMap(({ metadata }) => subscribedTopics(metadata)));
  }
}

/** The topics that a member of a consumer group subscribes to; none if its metadata do not have Kafka's own layout. */
function subscribedTopics(metadata: Buffer): readonly string[] {
  try {
    const reader = new WireReader(metadata, 0, false);
    // The version of the layout. All versions begin with the same fields.
    reader.int16();
    return Array.from({ length: reader.arrayLength() ?? 0 }, () => reader.string() ?? "");
  } catch {
    return [];
  }
}
