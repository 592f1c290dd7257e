import { setTimeout as delay } from "node:timers/promises";
import { deleteGroupsApi } from "../../../localstack/kafka/broker/requests/delete-groups.ts";
import { describeGroupsApi } from "../../../localstack/kafka/broker/requests/describe-groups.ts";
import { findCoordinatorApi } from "../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { heartbeatApi } from "../../../localstack/kafka/broker/requests/heartbeat.ts";
import { leaveGroupApi } from "../../../localstack/kafka/broker/requests/leave-group.ts";
import { listGroupsApi } from "../../../localstack/kafka/broker/requests/list-groups.ts";
import { syncGroupApi } from "../../../localstack/kafka/broker/requests/sync-group.ts";
import { type GivenJoin, GroupProbe, subscription } from "./group-probe.ts";
import { type Operation, type Target, operation } from "./operation.ts";

/** The first request makes a real server create the topic of the coordinators. */
const NOT_AVAILABLE_YET = 15;

/** A group with one member in its first generation. On request, the member has not synced yet. */
async function stableMember(target: Target, group: string, mustSync = true): Promise<GroupProbe> {
  const probe = await GroupProbe.open(target, group);
  await probe.join();
  if (mustSync) await probe.sync();
  return probe;
}

function joining(name: string, join: Partial<GivenJoin>, version = 5): Operation {
  return operation(`JoinGroup: ${name}`, async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    const { errorCode, generationId, memberId } = await probe.rawJoin(join, version);
    return { errorCode, generationId, hasMemberId: memberId !== "" };
  });
}

/** The answers to a member in each state of its group. */
function inEachState(name: string, ask: (probe: GroupProbe) => Promise<unknown>): Operation {
  return operation(`${name}: in each state of the group`, async (target) => {
    const outcomes: Record<string, unknown> = {};
    await using noGroup = await GroupProbe.open(target, target.name("no-group"));
    outcomes["no group"] = await ask(noGroup);
    await using unsynced = await stableMember(target, target.name("completing"), false);
    outcomes["completing"] = await ask(unsynced);
    await using stable = await stableMember(target, target.name("stable"));
    outcomes["stable"] = await ask(stable);
    await using second = await GroupProbe.open(target, stable.group);
    const secondJoin = second.join();
    await second.pause();
    outcomes["preparing"] = await ask(stable);
    await Promise.all([stable.join(), secondJoin]);
    await using empty = await stableMember(target, target.name("empty"));
    await empty.leave();
    outcomes["empty"] = await ask(empty);
    return outcomes;
  });
}

export const groupOperations: readonly Operation[] = [
  joining("a new member gets its id", {}),
  joining("a new member of an older version joins at once", {}, 3),
  joining("an unknown member", { memberId: "who" }),
  joining("no name", { groupId: "" }),
  joining("a session too short", { sessionTimeoutMs: 10 }),
  joining("a session too long", { sessionTimeoutMs: 10_000_000 }),
  joining("no protocol", { protocols: [] }),
  joining("no kind of protocol", { protocolType: "" }),
  operation("JoinGroup: a member of another kind, and one with nothing in common", async (target) => {
    await using first = await stableMember(target, target.name("group"));
    await using other = await GroupProbe.open(target, first.group);
    const kind = await other.rawJoin({ protocolType: "connect" });
    const protocol = await other.rawJoin({ protocols: [{ name: "other", metadata: subscription([]) }] });
    return [kind.errorCode, protocol.errorCode];
  }),
  operation("JoinGroup: the answer of each version", async (target) => {
    const outcomes: unknown[] = [];
    for (let version = 0; version <= 9; version += 1) {
      await using probe = await GroupProbe.open(target, target.name(`group-${version}`));
      const first = await probe.rawJoin({}, version);
      const joined = first.errorCode === 79 ? await probe.rawJoin({ memberId: first.memberId }, version) : first;
      const { errorCode, generationId, protocolName, leader, memberId, members } = joined;
      outcomes.push({
        first: first.errorCode,
        errorCode,
        generationId,
        protocolName,
        isLeader: leader === memberId,
        members: members.length,
      });
    }
    return outcomes;
  }),
  operation("JoinGroup: the same again, as follower, as leader, with something else", async (target) => {
    await using leader = await stableMember(target, target.name("group"));
    await using follower = await GroupProbe.open(target, leader.group);
    const both = Promise.all([follower.join(), follower.pause().then(() => leader.join())]);
    await both;
    const synced = Promise.all([follower.sync(), leader.sync()]);
    await synced;
    const again = await follower.rawJoin({ memberId: follower.memberId });
    return { first: follower.generation, again: again.errorCode, sameGeneration: again.generationId === follower.generation };
  }),
  inEachState("Heartbeat", (probe) => probe.heartbeat()),
  inEachState("SyncGroup", async (probe) => {
    const { errorCode } = await probe.rawSync();
    return errorCode;
  }),
  inEachState("OffsetCommit of a member", async (probe) => probe.commit(5n)),
  inEachState("OffsetCommit without a membership", async (probe) => probe.commit(5n, { generation: -1, memberId: "" })),
  operation("Heartbeat: of another generation, of no member", async (target) => {
    await using probe = await stableMember(target, target.name("group"));
    const ask = async (generationId: number, memberId: string): Promise<number> => {
      const { errorCode } = await probe.client.call(heartbeatApi, 3, {
        groupId: probe.group,
        generationId,
        memberId,
        groupInstanceId: null,
      });
      return errorCode;
    };
    return [await ask(probe.generation + 1, probe.memberId), await ask(probe.generation, "who"), await ask(-1, "")];
  }),
  operation("SyncGroup: of another generation, of another protocol", async (target) => {
    await using probe = await stableMember(target, target.name("group"));
    const ask = async (generationId: number, protocolName: string): Promise<unknown> => {
      const { errorCode, assignment } = await probe.client.call(syncGroupApi, 5, {
        groupId: probe.group,
        generationId,
        memberId: probe.memberId,
        groupInstanceId: null,
        protocolType: "consumer",
        protocolName,
        assignments: [],
      });
      return [errorCode, assignment.length];
    };
    return [await ask(probe.generation + 1, "range"), await ask(probe.generation, "other"), await ask(probe.generation, "range")];
  }),
  operation("LeaveGroup: of a member, of no member, of several, of no group", async (target) => {
    await using probe = await stableMember(target, target.name("group"));
    const leave = async (version: number, memberIds: readonly string[], groupId = probe.group): Promise<unknown> => {
      const members = memberIds.map((memberId) => ({ memberId, groupInstanceId: null, reason: null }));
      const answer = await probe.client.call(leaveGroupApi, version, { groupId, memberId: memberIds[0]!, members });
      return { errorCode: answer.errorCode, members: answer.members.map(({ errorCode }) => errorCode) };
    };
    return [
      await leave(2, ["who"]),
      await leave(3, ["who"]),
      await leave(4, [probe.memberId, "who"]),
      await leave(2, ["who"], target.name("no-group")),
      await leave(4, ["who"], target.name("no-group")),
    ];
  }),
  operation("DescribeGroups: in each state, by version", async (target) => {
    await using stable = await stableMember(target, target.name("stable"));
    await using completing = await stableMember(target, target.name("completing"), false);
    await using empty = await stableMember(target, target.name("empty"));
    await empty.leave();
    const outcomes: unknown[] = [];
    for (const version of [0, 3, 5, 6]) {
      const groups = [stable.group, completing.group, empty.group, target.name("missing")];
      const answer = await stable.client.call(describeGroupsApi, version, { groups, includeAuthorizedOperations: false });
      outcomes.push(
        answer.groups.map(({ errorCode, groupId, groupState, protocolType, protocolData, members }) => ({
          errorCode,
          groupId,
          groupState,
          protocolType,
          protocolData,
          members: members.map(({ clientId, clientHost, memberMetadata, memberAssignment }) => {
            return { clientId, clientHost, metadata: memberMetadata.length, assignment: memberAssignment.length };
          }),
        })),
      );
    }
    return outcomes;
  }),
  operation("ListGroups: with filters", async (target) => {
    await using stable = await stableMember(target, target.name("stable"));
    await using empty = await stableMember(target, target.name("empty"));
    await empty.leave();
    await using simple = await GroupProbe.open(target, target.name("simple"));
    await simple.commit(1n, { generation: -1, memberId: "" });
    const list = async (version: number, statesFilter: readonly string[], typesFilter: readonly string[]): Promise<unknown> => {
      const answer = await stable.client.call(listGroupsApi, version, { statesFilter, typesFilter });
      const own = answer.groups.filter(({ groupId }) => [stable.group, empty.group, simple.group].includes(groupId));
      return own.toSorted((a, b) => a.groupId.localeCompare(b.groupId));
    };
    return [
      await list(2, [], []),
      await list(5, [], []),
      await list(5, ["Stable"], []),
      await list(5, ["empty"], []),
      await list(5, [], ["classic"]),
      await list(5, [], ["consumer"]),
    ];
  }),
  operation("DeleteGroups: with members, without, again, without a name", async (target) => {
    await using probe = await stableMember(target, target.name("group"));
    const remove = async (groupId: string): Promise<unknown> => {
      const { results } = await probe.client.call(deleteGroupsApi, 2, { groupsNames: [groupId] });
      return results[0]?.errorCode;
    };
    const withMembers = await remove(probe.group);
    await probe.leave();
    return [withMembers, await remove(probe.group), await remove(probe.group), await remove("")];
  }),
  operation("FindCoordinator: kinds and versions", async (target) => {
    await using client = await target.raw();
    const find = async (version: number, keyType: number): Promise<unknown> => {
      const answer = await client.call(findCoordinatorApi, version, { key: "key", keyType, coordinatorKeys: ["one", "two"] });
      const all = version >= 4 ? answer.coordinators : [answer];
      if (all.some(({ errorCode }) => errorCode === NOT_AVAILABLE_YET)) {
        await delay(50);
        return find(version, keyType);
      }
      return all.map(({ errorCode, nodeId, host }) => ({ errorCode, nodeId, host }));
    };
    const outcomes: unknown[] = [];
    for (let version = 0; version <= 5; version += 1) outcomes.push(await find(version, 0));
    return [...outcomes, await find(2, 1), await find(4, 1), await find(2, 9), await find(4, 9)];
  }),
  operation("JoinGroup: a static member that comes back", async (target) => {
    const group = target.name("group");
    await using first = await GroupProbe.open(target, group);
    const joined = await first.rawJoin({ groupInstanceId: "instance" });
    first.become(joined);
    await first.sync("instance");
    await using second = await GroupProbe.open(target, group);
    const again = await second.rawJoin({ groupInstanceId: "instance" });
    const { errorCode } = await first.client.call(heartbeatApi, 3, {
      groupId: group,
      generationId: first.generation,
      memberId: first.memberId,
      groupInstanceId: "instance",
    });
    return {
      joined: joined.errorCode,
      again: again.errorCode,
      generations: [joined.generationId, again.generationId],
      isOther: again.memberId !== joined.memberId,
      former: errorCode,
    };
  }),
  operation("JoinGroup: a member whose session ends", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await probe.join({ sessionTimeoutMs: 600 });
    await probe.sync();
    const before = await probe.heartbeat();
    await probe.pause(1_500);
    return [before, await probe.heartbeat()];
  }),
  operation("JoinGroup: a member that does not come to the rebalance", async (target) => {
    await using first = await GroupProbe.open(target, target.name("group"));
    await first.join({ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 700 });
    await first.sync();
    await using second = await GroupProbe.open(target, first.group);
    await second.join({ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 700 });
    return { members: second.members, former: await first.heartbeat() };
  }),
];
