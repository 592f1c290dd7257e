import { ErrorCode } from "../error-code.ts";
import type { BrokerProperties } from "../broker-properties.ts";
import { Group } from "./group.ts";
import { type JoinAnswer, type MemberDetails, refusedJoin } from "./group-member.ts";

/** All groups of a cluster. */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #properties: BrokerProperties;

  constructor(properties: BrokerProperties) {
    this.#properties = properties;
  }

  get all(): readonly Group[] {
    return [...this.#groups.values()];
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId);
  }

  getOrCreate(groupId: string): Group {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new Group(groupId, this.#properties.number("group.initial.rebalance.delay.ms"));
      this.#groups.set(groupId, group);
    }
    return group;
  }

  join(groupId: string, memberId: string, details: MemberDetails, mustKnowId: boolean): Promise<JoinAnswer> | JoinAnswer {
    const refuse = (errorCode: number): JoinAnswer => refusedJoin(memberId, errorCode);
    if (groupId === "") return refuse(ErrorCode.invalidGroupId);
    const { sessionTimeoutMs } = details;
    const isInBounds =
      sessionTimeoutMs >= this.#properties.number("group.min.session.timeout.ms") &&
      sessionTimeoutMs <= this.#properties.number("group.max.session.timeout.ms");
    if (!isInBounds) return refuse(ErrorCode.invalidSessionTimeout);
    if (memberId !== "" && !this.#groups.has(groupId)) return refuse(ErrorCode.unknownMemberId);
    const group = this.getOrCreate(groupId);
    const isFull = memberId === "" && group.roster.all.length >= this.#properties.number("group.max.size");
    return isFull ? refuse(ErrorCode.groupMaxSizeReached) : group.join(memberId, details, mustKnowId);
  }

  /** @returns an error code */
  delete(groupId: string): number {
    const group = this.#groups.get(groupId);
    if (group === undefined) return ErrorCode.groupIdNotFound;
    if (!group.isAbandoned) return ErrorCode.nonEmptyGroup;
    this.#groups.delete(groupId);
    return ErrorCode.none;
  }

  /** Removes the committed offsets of a deleted topic. */
  topicDeleted(topic: string): void {
    for (const group of this.#groups.values()) group.offsets.deleteTopic(topic);
  }

  /** Makes the members of all groups join again. */
  forgetMembers(): void {
    for (const group of this.#groups.values()) group.forgetMembers();
  }
}
