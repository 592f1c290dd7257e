import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type JoinGroupRequest, KafkaProtocolError } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { GroupMembership } from "../../../../../adapters/kafka/group/group-membership.ts";
import { decodeSubscription } from "../../../../../adapters/kafka/group/member-metadata.ts";
import type { DriverReport, Report } from "../../../../../src/driver/index.ts";
import { GroupClient } from "../group-client.ts";

vi.mock("node:timers", () => import("../../../fakeable-timers.ts"));
vi.mock("node:perf_hooks", () => import("../../../fakeable-timers.ts"));

const SESSION_MS = 6_000;
const HEARTBEAT_MS = SESSION_MS / 20;

/** A member with a scripted coordinator and a clock that the test moves. */
class Member {
  readonly coordinator = new GroupClient();
  readonly events: string[] = [];
  readonly contacts: boolean[] = [];
  readonly reports: DriverReport[] = [];
  owned: readonly number[] = [];
  readonly membership: GroupMembership;
  readonly #closing = new AbortController();
  outcome: unknown = "running";

  constructor() {
    const report: Report = Object.assign((reported: DriverReport) => void this.reports.push(reported), { wants: () => true });
    const events = {
      claim: () => ({ partitionCount: 2, owned: this.owned }),
      synced: (partitions: readonly number[], generation: number) => void this.events.push(`synced ${partitions.join()} in ${generation}`),
      contact: (isThere: boolean) => void this.contacts.push(isThere),
      lost: () => void this.events.push("lost"),
    };
    const settings = { group: "orders.workers", topic: "orders", sessionTimeoutMs: SESSION_MS };
    this.membership = new GroupMembership(this.coordinator.client, settings, events, report);
  }

  async start(): Promise<void> {
    this.membership.run(this.#closing.signal).catch((error: unknown) => {
      this.outcome = error;
    });
    await vi.advanceTimersByTimeAsync(0);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("closed"));
    await vi.advanceTimersByTimeAsync(0);
  }

  get joins(): number {
    return this.coordinator.count("joinGroup");
  }

  /** The subscription of its latest join. */
  get claimed(): { readonly memberId: string; readonly owned: readonly number[]; readonly generation: number } {
    const { memberId, protocols } = this.coordinator.last("joinGroup") as JoinGroupRequest;
    const { owned, generation } = decodeSubscription(Buffer.from(protocols[0]!.metadata));
    return { memberId, owned, generation };
  }
}

const refusal = (errorCode: number): KafkaProtocolError => new KafkaProtocolError("Any", errorCode);

describe("a membership", () => {
  let member: Member;

  const deadlines = new Set<NodeJS.Timeout>();

  beforeEach(() => {
    vi.useFakeTimers();
    // Fake timers leave these alone: on a busy machine they would run out while the test's clock stands.
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      const controller = new AbortController();
      deadlines.add(setTimeout(() => controller.abort(new DOMException("too late", "TimeoutError")), milliseconds));
      return controller.signal;
    });
    member = new Member();
  });

  afterEach(async () => {
    await member.close();
    // As those of Node, they go on without anybody who waits for them.
    for (const deadline of deadlines) clearTimeout(deadline);
    deadlines.clear();
    vi.restoreAllMocks();
    const timersLeft = vi.getTimerCount();
    vi.useRealTimers();
    if (timersLeft > 0) throw new Error(`${timersLeft} timers are left of a closed membership`);
  });

  test("closed during its first join, it still gets its member id, because a request to leave must name it", async () => {
    const answer = Promise.withResolvers<void>();
    member.coordinator.plan("joinGroup", answer.promise);
    const never = new AbortController().signal;
    expect(await member.membership.assignedId(never)).toBe("");
    await member.start();
    await member.close();
    expect(member.outcome).toEqual(new Error("closed"));
    const reason = new Error("too late");
    await expect(member.membership.assignedId(AbortSignal.abort(reason))).rejects.toBe(reason);
    answer.resolve();
    expect(await member.membership.assignedId(never)).toBe("member-1");
    expect(member.joins).toBe(1);
  });

  test("joins with the member id that it gets, syncs, and sends heartbeats", async () => {
    await member.start();
    expect(member.events).toEqual(["synced 0,1 in 1"]);
    expect(member.joins).toBe(2);
    expect(member.claimed).toEqual({ memberId: "member-1", owned: [], generation: -1 });
    expect(member.membership.isStable).toBe(true);
    await vi.advanceTimersByTimeAsync(10 * HEARTBEAT_MS);
    expect(member.coordinator.count("heartbeat")).toBe(10);
    expect(member.coordinator.last("heartbeat")).toEqual({ group: "orders.workers", memberId: "member-1", generation: 1 });
  });

  test("joins again when the group rebalances, with its partitions and the generation that assigned them", async () => {
    await member.start();
    member.owned = [0, 1];
    member.coordinator.plan("heartbeat", refusal(27));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.claimed).toEqual({ memberId: "member-1", owned: [0, 1], generation: 1 });
    expect(member.events).toEqual(["synced 0,1 in 1", "synced 0,1 in 2"]);
  });

  test("joins again at once when its claim changes, also during a join", async () => {
    await member.start();
    member.membership.rejoin();
    await vi.advanceTimersByTimeAsync(0);
    expect(member.joins).toBe(3);
    const { promise, resolve } = Promise.withResolvers<void>();
    member.coordinator.plan("joinGroup", promise);
    member.membership.rejoin();
    await vi.advanceTimersByTimeAsync(0);
    member.membership.rejoin();
    resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(member.joins).toBe(5);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.joins).toBe(5);
  });

  test.each([25, 82])("is no longer a member after code %i, and joins as a new one", async (errorCode) => {
    await member.start();
    member.owned = [0];
    member.coordinator.plan("heartbeat", refusal(errorCode));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS - 1);
    expect(member.events).toEqual(["synced 0,1 in 1"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(member.events).toEqual(["synced 0,1 in 1", "lost", "synced 0,1 in 2"]);
    expect(member.claimed).toMatchObject({ memberId: "member-3", generation: -1 });
  });

  test("after a newer generation it has lost its partitions, and joins with the same member id", async () => {
    await member.start();
    member.coordinator.plan("heartbeat", refusal(22));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.events).toEqual(["synced 0,1 in 1", "lost", "synced 0,1 in 2"]);
    expect(member.claimed).toMatchObject({ memberId: "member-1", generation: -1 });
  });

  test("a commit that is refused because of another member has the same effect", async () => {
    await member.start();
    member.membership.fenced(25);
    expect(member.events.at(-1)).toBe("lost");
    expect(member.membership.isStable).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(member.events.at(-1)).toBe("synced 0,1 in 2");
  });

  test("a rebalance between join and sync makes it join again", async () => {
    member.coordinator.plan("syncGroup", refusal(27));
    await member.start();
    expect(member.events).toEqual(["synced 0,1 in 2"]);
    expect(member.claimed.generation).toBe(-1);
  });

  test.each([14, 15, 16])("code %i at a join: retries with a growing back-off, and reports it", async (errorCode) => {
    member.coordinator.plan("joinGroup", refusal(errorCode), refusal(errorCode), refusal(errorCode));
    await member.start();
    expect(member.events).toEqual([]);
    await vi.advanceTimersByTimeAsync(400);
    expect(member.events).toEqual(["synced 0,1 in 1"]);
    expect(member.reports.map(({ kind }) => kind)).toEqual(["retry", "retry", "retry"]);
    expect(member.coordinator.count("findCoordinator")).toBe(errorCode === 14 ? 1 : 4);
  });

  test("a coordinator that has moved is looked up, without a rebalance", async () => {
    await member.start();
    member.coordinator.plan("heartbeat", refusal(16), Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    await vi.advanceTimersByTimeAsync(4 * HEARTBEAT_MS);
    expect(member.joins).toBe(2);
    expect(member.coordinator.count("findCoordinator")).toBe(3);
    expect(member.events).toEqual(["synced 0,1 in 1"]);
  });

  test("without contact for a whole session, it first gives up its partitions", async () => {
    await member.start();
    member.coordinator.plan("heartbeat", ...Array.from({ length: 30 }, () => refusal(15)));
    await vi.advanceTimersByTimeAsync(SESSION_MS - 1_000);
    expect(member.events).toEqual(["synced 0,1 in 1"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(member.events).toEqual(["synced 0,1 in 1", "lost", "synced 0,1 in 2"]);
    expect(member.claimed.generation).toBe(-1);
  });

  test("has a session until the group has not answered for that time, and again after the next assignment", async () => {
    expect(member.membership.hasSession).toBe(false);
    await member.start();
    expect(member.membership.hasSession).toBe(true);
    await vi.advanceTimersByTimeAsync(2 * SESSION_MS);
    expect(member.membership.hasSession).toBe(true);
    // The process stops: nothing runs in it, and when it continues, the first thing that asks is a handler.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + SESSION_MS + 1);
    expect(member.membership.hasSession).toBe(false);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.events).toEqual(["synced 0,1 in 1", "lost", "synced 0,1 in 2"]);
    expect(member.membership.hasSession).toBe(true);
    clock.mockRestore();
  });

  test("reports contact after each rebalance, and no contact while it joins again or the coordinator does not answer", async () => {
    await member.start();
    expect(member.contacts).toEqual([true]);
    member.coordinator.plan("heartbeat", refusal(27));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.contacts).toEqual([true, false, true]);
    member.coordinator.plan("heartbeat", refusal(15), refusal(15));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.contacts).toEqual([true, false, true, false]);
    await vi.advanceTimersByTimeAsync(6 * HEARTBEAT_MS);
    expect(member.contacts).toEqual([true, false, true, false, true]);
    expect(member.events).toEqual(["synced 0,1 in 1", "synced 0,1 in 2"]);
    member.coordinator.plan("heartbeat", refusal(25));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.contacts.slice(5)).toEqual([false, true]);
  });

  test.each([
    ["longer than a session", SESSION_MS + 1, ["lost", "synced 0,1 in 2"]],
    ["shorter", SESSION_MS - 2 * HEARTBEAT_MS, []],
  ])("an answer that lay in a stopped process %s is as old as its request", async (_, stoppedMs, expected) => {
    await member.start();
    const answer = Promise.withResolvers<void>();
    member.coordinator.plan("heartbeat", answer.promise);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    // The process stops: its clock continues, its timers do not. When it continues, it first finds the answer.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + stoppedMs);
    answer.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(member.events.slice(1)).toEqual(expected);
    clock.mockRestore();
  });

  test("a coordinator that does not answer does not block a heartbeat for ever", async () => {
    await member.start();
    member.coordinator.plan("heartbeat", new Promise<void>(() => undefined));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS + SESSION_MS / 3 - 1);
    expect(member.reports).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(member.reports).toMatchObject([{ kind: "retry", operation: "Heartbeat", error: { code: "timeout" } }]);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.coordinator.count("heartbeat")).toBeGreaterThan(1);
    expect(member.joins).toBe(2);
    expect(member.events).toEqual(["synced 0,1 in 1"]);
  });

  test("while partitions move, it sends heartbeats more often", async () => {
    member.coordinator.assigned = { partitions: [0], moving: true };
    await member.start();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(member.coordinator.count("heartbeat")).toBe(3);
  });

  test.each([
    [23, "conflict", "another client"],
    [26, "invalid-argument", "6000 ms"],
    [30, "permission-denied", "not allowed for this group"],
    [81, "conflict", "as many members"],
  ])("code %i cannot be retried: %s", async (errorCode, code, text) => {
    member.coordinator.plan("joinGroup", refusal(errorCode));
    await member.start();
    expect(member.outcome).toMatchObject({ code, provider: "kafka", message: expect.stringContaining(text) });
    expect(member.events).toEqual([]);
  });

  test("ends at once, during every wait", async () => {
    member.coordinator.plan("joinGroup", null, new Promise<void>(() => undefined));
    await member.start();
    expect(member.joins).toBe(2);
    await member.close();
    expect(member.outcome).toEqual(new Error("closed"));
  });
});
