import { randomUUID } from "node:crypto";
import { clearTimeout, setTimeout } from "node:timers";
import { ErrorCode } from "../error-code.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import {
  GroupMember,
  type JoinAnswer,
  type MemberDetails,
  NO_ASSIGNMENT,
  type SyncAnswer,
  refusedJoin,
  refusedSync,
} from "./group-member.ts";
import { GroupRoster } from "./group-roster.ts";

/** Kafka's names. */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/** How long a new member may be silent until the rebalance of its group has finished. */
const NEW_MEMBER_TIMEOUT_MS = 300_000;

export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** The protocol that a member names when it syncs; `null` in versions that have no such field. */
export interface SyncRequest extends MemberIdentity {
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** The assignments that the leader made. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

/**
 * A group of the classic protocol: members join, the leader assigns, and all sync and send heartbeats until a member joins, leaves or
 * falls silent. Then all rejoin.
 */
export class Group {
  readonly groupId: string;
  readonly offsets = new CommittedOffsets();
  readonly roster = new GroupRoster();
  readonly #initialDelayMs: number;
  #state: GroupState = "Empty";
  #generation = 0;
  #protocolName: string | null = null;
  /** The members that have joined and have not synced yet. */
  readonly #unsynced = new Set<GroupMember>();
  #joinTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  /** The first members of an empty group wait for others. They wait once more if others have joined in the meantime. */
  #isGathering = false;
  #hasGathered = false;
  #settled = Promise.withResolvers<void>();

  constructor(groupId: string, initialDelayMs: number) {
    this.groupId = groupId;
    this.#initialDelayMs = initialDelayMs;
  }

  get state(): GroupState {
    return this.#state;
  }

  get protocolName(): string | null {
    return this.#protocolName;
  }

  /** Resolves when all members have their assignment, or when the group has no members. */
  async settled(): Promise<void> {
    if (this.#state === "PreparingRebalance" || this.#state === "CompletingRebalance") await this.#settled.promise;
  }

  #setSettled(state: "Stable" | "Empty"): void {
    this.#state = state;
    this.#settled.resolve();
    this.#settled = Promise.withResolvers();
  }

  get isAbandoned(): boolean {
    return this.roster.isEmpty && !this.roster.isExpectingMore;
  }

  // ── Joining ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param mustKnowId a new member is given an id first, and joins with it */
  join(memberId: string, details: MemberDetails, mustKnowId: boolean): Promise<JoinAnswer> | JoinAnswer {
    if (!this.roster.supports(details)) return refusedJoin(memberId, ErrorCode.inconsistentGroupProtocol);
    if (memberId === "") return this.#joinNew(details, mustKnowId);
    if (this.roster.isExpected(memberId)) return this.#add(memberId, details);
    const errorCode = this.check({ memberId, groupInstanceId: details.groupInstanceId });
    if (errorCode !== ErrorCode.none) return refusedJoin(memberId, errorCode);
    return this.#joinAgain(this.roster.get(memberId)!, details);
  }

  #joinNew(details: MemberDetails, mustKnowId: boolean): Promise<JoinAnswer> | JoinAnswer {
    const newId = `${details.groupInstanceId ?? details.clientId}-${randomUUID()}`;
    if (details.groupInstanceId !== null) {
      const former = this.roster.withInstanceId(details.groupInstanceId);
      return former === undefined ? this.#add(newId, details) : this.#replace(former, newId, details);
    }
    if (!mustKnowId) return this.#add(newId, details);
    this.roster.expect(newId, details.sessionTimeoutMs, () => this.#completeIfAllJoined());
    return refusedJoin(newId, ErrorCode.memberIdRequired);
  }

  #add(memberId: string, details: MemberDetails): Promise<JoinAnswer> {
    const member = new GroupMember(memberId, details);
    this.roster.add(member);
    this.#hasGathered = true;
    const answer = member.join();
    this.#noteContact(member, NEW_MEMBER_TIMEOUT_MS);
    this.#rebalance();
    return answer;
  }

  /** A static member that has restarted takes the place of its former process, which gets an error. */
  #replace(former: GroupMember, newId: string, details: MemberDetails): Promise<JoinAnswer> | JoinAnswer {
    const { roster } = this;
    const wasLeader = roster.leaderId === former.memberId;
    former.joined(refusedJoin(former.memberId, ErrorCode.fencedInstanceId));
    former.synced(refusedSync(ErrorCode.fencedInstanceId));
    const member = new GroupMember(newId, details);
    member.assignment = former.assignment;
    roster.remove(former);
    roster.add(member);
    if (wasLeader) roster.leaderId = newId;
    this.#noteContact(member);
    if (this.#state === "Stable" && roster.chosenProtocol === this.#protocolName) {
      return { ...this.#joinAnswer(member), leader: wasLeader ? former.memberId : roster.leaderId!, skipAssignment: wasLeader };
    }
    const answer = member.join();
    this.#rebalance();
    return answer;
  }

  #joinAgain(member: GroupMember, details: MemberDetails): Promise<JoinAnswer> | JoinAnswer {
    const isUnchanged = member.hasProtocols(details.protocols);
    const isLeader = member.memberId === this.roster.leaderId;
    // The answer to its first request was lost. The group needs no new rebalance.
    if (isUnchanged && (this.#state === "CompletingRebalance" || (this.#state === "Stable" && !isLeader))) return this.#joinAnswer(member);
    member.details = details;
    const answer = member.join();
    this.#rebalance();
    return answer;
  }

  #rebalance(): void {
    if (this.#state === "PreparingRebalance") {
      this.#completeIfAllJoined();
      return;
    }
    if (this.#state === "CompletingRebalance") this.#refuseSyncing();
    clearTimeout(this.#syncTimer);
    this.#unsynced.clear();
    this.#isGathering = this.#state === "Empty";
    this.#state = "PreparingRebalance";
    const { rebalanceTimeoutMs } = this.roster;
    if (this.#isGathering) {
      this.#gather(this.#initialDelayMs, rebalanceTimeoutMs - this.#initialDelayMs);
      return;
    }
    this.#joinTimer = setTimeout(() => this.#completeJoin(), rebalanceTimeoutMs);
    this.#completeIfAllJoined();
  }

  #refuseSyncing(): void {
    for (const member of this.roster.all) {
      member.assignment = NO_ASSIGNMENT;
      if (!member.isSyncing) continue;
      this.#noteContact(member);
      member.synced(refusedSync(ErrorCode.rebalanceInProgress));
    }
  }

  /** Waits for more members as long as new ones join, but not longer than the rebalance time-out. */
  #gather(delayMs: number, remainingMs: number): void {
    this.#hasGathered = false;
    this.#joinTimer = setTimeout(() => {
      if (this.#hasGathered && remainingMs > 0) {
        const nextMs = Math.min(this.#initialDelayMs, remainingMs);
        this.#gather(nextMs, remainingMs - nextMs);
      } else this.#completeJoin();
    }, delayMs);
  }

  #completeIfAllJoined(): void {
    if (this.#state !== "PreparingRebalance" || this.#isGathering || this.roster.isExpectingMore) return;
    if (this.roster.all.every(({ isJoining }) => isJoining)) this.#completeJoin();
  }

  #completeJoin(): void {
    clearTimeout(this.#joinTimer);
    this.#isGathering = false;
    for (const member of this.roster.all) if (!member.isJoining && !member.isStatic) this.#drop(member);
    const joined = this.roster.all.filter(({ isJoining }) => isJoining);
    if (joined.length === 0 && !this.roster.isEmpty) {
      // Static members that are absent keep their assignment.
      this.#joinTimer = setTimeout(() => this.#completeJoin(), this.roster.rebalanceTimeoutMs);
      return;
    }
    this.#generation += 1;
    if (joined.length === 0) {
      this.#becomeEmpty();
      return;
    }
    if (!joined.some(({ memberId }) => memberId === this.roster.leaderId)) this.roster.leaderId = joined[0]!.memberId;
    this.#protocolName = this.roster.chosenProtocol;
    this.#state = "CompletingRebalance";
    for (const member of this.roster.all) {
      this.#unsynced.add(member);
      this.#noteContact(member);
      member.joined(this.#joinAnswer(member));
    }
    this.#syncTimer = setTimeout(() => this.#dropUnsynced(), this.roster.rebalanceTimeoutMs);
  }

  #becomeEmpty(): void {
    this.#setSettled("Empty");
    this.#protocolName = null;
  }

  #joinAnswer({ memberId }: GroupMember): JoinAnswer {
    const { all, leaderId, protocolType } = this.roster;
    const members = all.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.details.groupInstanceId,
      metadata: member.metadataOf(this.#protocolName),
    }));
    return {
      errorCode: ErrorCode.none,
      generationId: this.#generation,
      protocolType,
      protocolName: this.#protocolName,
      leader: leaderId ?? "",
      memberId,
      skipAssignment: false,
      members: memberId === leaderId ? members : [],
    };
  }

  // ── Syncing ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  sync(request: SyncRequest): Promise<SyncAnswer> | SyncAnswer {
    const errorCode = this.check(request, request.generation);
    if (errorCode !== ErrorCode.none) return refusedSync(errorCode);
    const { protocolType, protocolName } = request;
    const isOther =
      (protocolType !== null && protocolType !== this.roster.protocolType) ||
      (protocolName !== null && protocolName !== this.#protocolName);
    if (isOther) return refusedSync(ErrorCode.inconsistentGroupProtocol);
    if (this.#state === "PreparingRebalance") return refusedSync(ErrorCode.rebalanceInProgress);
    const member = this.roster.get(request.memberId)!;
    this.#unsynced.delete(member);
    if (this.#state === "Stable") {
      this.#noteContact(member);
      return this.#syncAnswer(member);
    }
    const answer = member.sync();
    if (member.memberId === this.roster.leaderId) this.#assign(request.assignments);
    return answer;
  }

  #assign(assignments: SyncRequest["assignments"]): void {
    // A view would keep the whole request in memory.
    const given = new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]));
    this.#setSettled("Stable");
    for (const member of this.roster.all) {
      member.assignment = given.get(member.memberId) ?? NO_ASSIGNMENT;
      if (!member.isSyncing) continue;
      this.#noteContact(member);
      member.synced(this.#syncAnswer(member));
    }
  }

  #syncAnswer({ assignment }: GroupMember): SyncAnswer {
    return { errorCode: ErrorCode.none, protocolType: this.roster.protocolType, protocolName: this.#protocolName, assignment };
  }

  #dropUnsynced(): void {
    if (this.#unsynced.size === 0) return;
    for (const member of this.#unsynced) this.#drop(member);
    this.#membersLeft();
  }

  // ── Staying and leaving ───────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns the error code for a request of a non-member or of another generation; 0: none */
  check({ memberId, groupInstanceId }: MemberIdentity, generation?: number): number {
    if (groupInstanceId !== null) {
      const known = this.roster.withInstanceId(groupInstanceId);
      if (known === undefined) return ErrorCode.unknownMemberId;
      if (known.memberId !== memberId) return ErrorCode.fencedInstanceId;
    }
    if (this.roster.get(memberId) === undefined) return ErrorCode.unknownMemberId;
    return generation === undefined || generation === this.#generation ? ErrorCode.none : ErrorCode.illegalGeneration;
  }

  heartbeat(identity: MemberIdentity, generation: number): number {
    const errorCode = this.check(identity, generation);
    if (errorCode !== ErrorCode.none) return errorCode;
    this.noteContact(identity.memberId);
    return this.#state === "PreparingRebalance" ? ErrorCode.rebalanceInProgress : ErrorCode.none;
  }

  /** Restarts the session time-out of the member. */
  noteContact(memberId: string): void {
    const member = this.roster.get(memberId);
    if (member !== undefined) this.#noteContact(member);
  }

  #noteContact(member: GroupMember, withinMs?: number): void {
    member.noteContact(() => this.#expire(member), withinMs);
  }

  /** @returns an error code */
  leave({ memberId, groupInstanceId }: MemberIdentity): number {
    if (this.roster.isExpected(memberId)) {
      this.roster.forget(memberId);
      this.#completeIfAllJoined();
      return ErrorCode.none;
    }
    // Tools remove a static member by its instance id alone.
    const byInstance = memberId === "" && groupInstanceId !== null ? this.roster.withInstanceId(groupInstanceId) : undefined;
    const errorCode = byInstance === undefined ? this.check({ memberId, groupInstanceId }) : ErrorCode.none;
    if (errorCode === ErrorCode.none) this.evict(byInstance?.memberId ?? memberId);
    return errorCode;
  }

  /** Removes a member, as if its session had timed out. */
  evict(memberId: string): void {
    const member = this.roster.get(memberId);
    if (member === undefined) return;
    this.#drop(member);
    this.#membersLeft();
  }

  /** Removes all members. Each one learns it at its next request. */
  forgetMembers(): void {
    this.roster.forgetExpected();
    for (const member of this.roster.all) this.#drop(member);
    clearTimeout(this.#joinTimer);
    clearTimeout(this.#syncTimer);
    this.#generation += 1;
    this.#becomeEmpty();
  }

  #expire(member: GroupMember): void {
    if (this.roster.get(member.memberId) !== member) return;
    // This member waits for the group, and the group does not wait for it.
    if (member.isJoining || member.isSyncing) this.#noteContact(member);
    else this.evict(member.memberId);
  }

  #drop(member: GroupMember): void {
    this.roster.remove(member);
    this.#unsynced.delete(member);
    member.joined(refusedJoin(member.memberId, ErrorCode.unknownMemberId));
    member.synced(refusedSync(ErrorCode.unknownMemberId));
  }

  #membersLeft(): void {
    if (this.#state !== "Empty") this.#rebalance();
  }
}
