import { clearTimeout, setTimeout } from "node:timers";
import { WireReader } from "../wire/wire-reader.ts";
import type { GroupMember, MemberDetails } from "./group-member.ts";

const CONSUMER = "consumer";

/** Who is in a group, who leads it, and what its members have in common. */
export class GroupRoster {
  leaderId: string | null = null;
  /** Of the members there are, or were last. */
  protocolType: string | null = null;
  readonly #members = new Map<string, GroupMember>();
  /** Ids that were given out and have not joined yet. */
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

  /** Another one leads, where it led. */
  remove(member: GroupMember): void {
    member.end();
    this.#members.delete(member.memberId);
    if (this.leaderId === member.memberId) this.leaderId = this.#members.keys().next().value ?? null;
  }

  /** The id will join; `giveUp` runs where it does not in time. */
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

  /** The id is not expected any more. */
  forget(memberId: string): void {
    clearTimeout(this.#expected.get(memberId));
    this.#expected.delete(memberId);
  }

  forgetExpected(): void {
    for (const memberId of this.#expected.keys()) this.forget(memberId);
  }

  /** How long the slowest member may take to come together. */
  get rebalanceTimeoutMs(): number {
    return Math.max(0, ...this.all.map(({ details }) => details.rebalanceTimeoutMs));
  }

  /** Can somebody with these join those who are there? */
  supports({ protocolType, protocols }: MemberDetails): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    return this.isEmpty || (protocolType === this.protocolType && protocols.some(({ name }) => this.#haveAll(name)));
  }

  /** Each member votes for the first of its own that all have. */
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

  /** What members of a consumer group say they read. */
  get topics(): ReadonlySet<string> {
    const protocols = this.all.flatMap(({ details }) => (details.protocolType === CONSUMER ? details.protocols : []));
    return new Set(protocols.flatMap(({ metadata }) => subscribedTopics(metadata)));
  }
}

/** The topics that a member of a consumer group says it reads; none where its metadata are not of Kafka's own layout. */
function subscribedTopics(metadata: Buffer): readonly string[] {
  try {
    const reader = new WireReader(metadata, 0, false);
    // The version of the layout: all of them begin alike.
    reader.int16();
    return Array.from({ length: reader.arrayLength() ?? 0 }, () => reader.string() ?? "");
  } catch {
    return [];
  }
}
