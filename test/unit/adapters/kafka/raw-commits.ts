import type { EmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { offsetCommitApi } from "../../../../localstack/kafka/broker/requests/offset-commit.ts";
import { offsetFetchApi } from "../../../../localstack/kafka/broker/requests/offset-fetch.ts";
import { RawClient } from "../../../kafka/comparison/raw-client.ts";

/** What a group has committed for partition 0 of a topic. */
export interface RawCommit {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

const NONE = 0;

/**
 * Commits for partition 0 like Kafka's own tools: without a membership, while the group has no members. Any broker is asked; the group's
 * coordinator accepts it.
 */
export async function commitAs(kafka: EmulatedKafka, group: string, topic: string, offset: bigint, metadata: string): Promise<void> {
  const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: metadata };
  const request = {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [{ name: topic, partitions: [partition] }],
  };
  const codes = await Promise.all(
    kafka.bootstrapServers.split(",").map(async (server) => {
      await using client = await RawClient.open(server);
      const { topics } = await client.call(offsetCommitApi, 6, request);
      return topics[0]!.partitions[0]!.errorCode;
    }),
  );
  if (!codes.includes(NONE)) throw new Error(`no broker has accepted the commit: ${codes.join(", ")}`);
}

/** What the group's coordinator has stored for partition 0. */
export async function fetchCommit(kafka: EmulatedKafka, group: string, topic: string): Promise<RawCommit> {
  for (const server of kafka.bootstrapServers.split(",")) {
    await using client = await RawClient.open(server);
    const answer = await client.call(offsetFetchApi, 5, {
      groupId: group,
      topics: [{ name: topic, partitionIndexes: [0] }],
      groups: [],
      requireStable: false,
    });
    const found = answer.topics[0]?.partitions[0];
    if (found === undefined || found.errorCode !== NONE || found.committedOffset < 0n) continue;
    return { offset: found.committedOffset, leaderEpoch: found.committedLeaderEpoch, metadata: found.metadata ?? "" };
  }
  throw new Error(`the group ${group} has committed nothing`);
}
