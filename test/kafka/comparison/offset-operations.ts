import { deleteTopicsApi } from "../../../localstack/kafka/broker/requests/delete-topics.ts";
import { offsetCommitApi } from "../../../localstack/kafka/broker/requests/offset-commit.ts";
import { offsetDeleteApi } from "../../../localstack/kafka/broker/requests/offset-delete.ts";
import { offsetFetchApi } from "../../../localstack/kafka/broker/requests/offset-fetch.ts";
import { GroupProbe } from "./group-probe.ts";
import { type Operation, operation } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const NO_MEMBER = { generation: -1, memberId: "" };

async function fetchOffsets(
  client: RawClient,
  groupId: string,
  topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null,
  version: number,
): Promise<unknown> {
  const groups = [{ groupId, memberId: null, topics }];
  const answer = await client.call(offsetFetchApi, version, { groupId, topics, groups, requireStable: false });
  const { errorCode, topics: found } = version >= 8 ? answer.groups[0]! : answer;
  return { errorCode, topics: found };
}

export const offsetOperations: readonly Operation[] = [
  operation("OffsetFetch: every version", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await probe.commit(5n, { ...NO_MEMBER, metadata: "note" });
    const topics = [{ name: probe.topic, partitionIndexes: [0, 1] }];
    const outcomes: unknown[] = [];
    for (let version = 1; version <= 9; version += 1) outcomes.push(await fetchOffsets(probe.client, probe.group, topics, version));
    return outcomes;
  }),
  operation("OffsetFetch: everything, a group that does not exist, a topic that does not exist", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await probe.commit(5n, NO_MEMBER);
    const missing = [{ name: target.name("missing"), partitionIndexes: [0] }];
    return [
      await fetchOffsets(probe.client, probe.group, null, 7),
      await fetchOffsets(probe.client, target.name("unknown"), null, 7),
      await fetchOffsets(probe.client, target.name("unknown"), [{ name: probe.topic, partitionIndexes: [0] }], 7),
      await fetchOffsets(probe.client, probe.group, missing, 7),
    ];
  }),
  operation("OffsetCommit: every version", async (target) => {
    const outcomes: unknown[] = [];
    for (let version = 2; version <= 9; version += 1) {
      await using probe = await GroupProbe.open(target, target.name(`group-${version}`));
      const partition = { partitionIndex: 0, committedOffset: 7n, committedLeaderEpoch: 3, committedMetadata: null };
      const { topics } = await probe.client.call(offsetCommitApi, version, {
        groupId: probe.group,
        memberId: "",
        groupInstanceId: null,
        topics: [{ name: probe.topic, partitions: [partition] }],
      });
      outcomes.push([topics, await fetchOffsets(probe.client, probe.group, null, 5)]);
    }
    return outcomes;
  }),
  operation("OffsetCommit: what cannot be", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    const ask = async (groupId: string, name: string, partitionIndex: number, metadata: string, offset = 1n): Promise<unknown> => {
      const partition = { partitionIndex, committedOffset: offset, committedMetadata: metadata };
      const { topics } = await probe.client.call(offsetCommitApi, 7, {
        groupId,
        memberId: "",
        groupInstanceId: null,
        topics: [{ name, partitions: [partition] }],
      });
      return topics[0]?.partitions[0]?.errorCode;
    };
    return {
      topic: await ask(probe.group, target.name("missing"), 0, ""),
      partition: await ask(probe.group, probe.topic, 9, ""),
      metadata: await ask(probe.group, probe.topic, 0, "x".repeat(5_000)),
      negative: await ask(probe.group, probe.topic, 0, "", -5n),
      noName: await ask("", probe.topic, 0, ""),
    };
  }),
  operation("OffsetCommit: of another generation, of a member of no group", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    const noGroup = await probe.commit(1n, { generation: 3, memberId: "who" });
    await probe.join();
    await probe.sync();
    return [
      noGroup,
      await probe.commit(1n, { generation: probe.generation + 1 }),
      await probe.commit(1n, { memberId: "who" }),
      await probe.commit(1n, { generation: -1 }),
      await probe.commit(1n),
    ];
  }),
  operation("OffsetDelete", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await using other = await GroupProbe.open(target, target.name("group"));
    await other.commit(4n, NO_MEMBER);
    await probe.join();
    await probe.sync();
    await probe.commit(5n);
    const remove = async (groupId: string, names: readonly string[], partitionIndex = 0): Promise<unknown> => {
      const topics = names.map((name) => ({ name, partitions: [{ partitionIndex }] }));
      const { errorCode, topics: answered } = await probe.client.call(offsetDeleteApi, 0, { groupId, topics });
      const codes = answered.map(({ name, partitions }) => `${name} ${partitions.map((one) => one.errorCode).join()}`);
      return { errorCode, codes: codes.toSorted() };
    };
    const outcomes = [
      await remove(target.name("unknown"), [probe.topic]),
      await remove(probe.group, [probe.topic]),
      await remove(probe.group, [other.topic, target.name("missing")]),
      await remove(probe.group, [other.topic], 7),
    ];
    await probe.leave();
    return [...outcomes, await remove(probe.group, [probe.topic]), await fetchOffsets(probe.client, probe.group, null, 7)];
  }),
  operation("OffsetFetch: after the topic was deleted", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await probe.commit(5n, NO_MEMBER);
    await probe.client.call(deleteTopicsApi, 4, { topics: [], topicNames: [probe.topic], timeoutMs: 5_000 });
    await probe.pause(500);
    return await fetchOffsets(probe.client, probe.group, [{ name: probe.topic, partitionIndexes: [0] }], 7);
  }),
];
