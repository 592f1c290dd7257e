import { describeClusterApi } from "../../../localstack/kafka/broker/requests/describe-cluster.ts";
import { describeGroupsApi } from "../../../localstack/kafka/broker/requests/describe-groups.ts";
import { metadataApi } from "../../../localstack/kafka/broker/requests/metadata.ts";
import { GroupProbe } from "./group-probe.ts";
import { type Operation, operation } from "./operation.ts";

const NO_ID = "AAAAAAAAAAAAAAAAAAAAAA";

/** The permissions of a user on a server without access control lists. */
export const permissionOperations: readonly Operation[] = [
  operation("Permissions: on the cluster", async (target) => {
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (const includeClusterAuthorizedOperations of [true, false]) {
      const described = await client.call(describeClusterApi, 0, { includeClusterAuthorizedOperations, includeFencedBrokers: false });
      outcomes.push(described.clusterAuthorizedOperations);
      for (const version of [7, 8, 10]) {
        const request = { topics: [], includeClusterAuthorizedOperations, includeTopicAuthorizedOperations: false };
        outcomes.push((await client.call(metadataApi, version, request)).clusterAuthorizedOperations);
      }
    }
    return outcomes;
  }),
  operation("Permissions: on topics", async (target) => {
    const topic = await target.topic("topic");
    await using client = await target.raw();
    const topics = [topic, target.name("missing"), "not a name"].map((name) => ({ topicId: NO_ID, name }));
    const outcomes: unknown[] = [];
    for (const includeTopicAuthorizedOperations of [true, false]) {
      for (const version of [7, 8, 12]) {
        const request = { topics, includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations };
        const answer = await client.call(metadataApi, version, { ...request, allowAutoTopicCreation: false });
        outcomes.push(answer.topics.map(({ name, topicAuthorizedOperations }) => [name, topicAuthorizedOperations]));
      }
    }
    return outcomes;
  }),
  operation("Permissions: on groups", async (target) => {
    await using probe = await GroupProbe.open(target, target.name("group"));
    await probe.join();
    await probe.sync();
    const groups = [probe.group, target.name("missing")];
    const outcomes: unknown[] = [];
    for (const includeAuthorizedOperations of [true, false]) {
      for (const version of [2, 3, 5, 6]) {
        const answer = await probe.client.call(describeGroupsApi, version, { groups, includeAuthorizedOperations });
        outcomes.push(answer.groups.map(({ groupId, authorizedOperations }) => [groupId, authorizedOperations]));
      }
    }
    return outcomes;
  }),
];
