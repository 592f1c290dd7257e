import type { GroupName, GuardedOperation, Permission } from "../../../src/driver/index.ts";
import { subscriptionOf } from "../resource-name.ts";
import type { PubSubService } from "../service.ts";
import { describeTopic } from "../topic-directory.ts";

/** The permissions that each operation needs, by the resource that they are checked on. The README has the same table. */
const NEEDS: Readonly<Record<GuardedOperation, Readonly<Record<"topic" | "subscription" | "project", readonly string[]>>>> = {
  send: { topic: ["pubsub.topics.publish"], subscription: [], project: [] },
  consume: {
    topic: ["pubsub.topics.attachSubscription", "pubsub.topics.get"],
    subscription: ["pubsub.subscriptions.consume", "pubsub.subscriptions.get"],
    project: ["pubsub.subscriptions.create"],
  },
  createTopic: { topic: [], subscription: [], project: ["pubsub.topics.create"] },
  updateTopic: { topic: ["pubsub.topics.update", "pubsub.topics.get"], subscription: [], project: [] },
  deleteTopic: { topic: ["pubsub.topics.delete"], subscription: [], project: [] },
  resetGroup: {
    topic: ["pubsub.topics.get"],
    subscription: ["pubsub.subscriptions.consume", "pubsub.subscriptions.get"],
    project: ["pubsub.subscriptions.create", "pubsub.snapshots.create"],
  },
  deleteGroup: { topic: [], subscription: ["pubsub.subscriptions.get", "pubsub.subscriptions.delete"], project: [] },
};

const of = (part: "topic" | "subscription"): readonly string[] => [...new Set(Object.values(NEEDS).flatMap((need) => need[part]))];

/** The service tells what is permitted on the topic and on a subscription that exists; of a project only Resource Manager knows. @throws `not-found` */
export async function permissionsOn(
  { connection }: PubSubService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<readonly Permission[]> {
  const { name: topicName } = await describeTopic(connection, topic, signal);
  const onTopic = new Set(await connection.permitted(topicName, of("topic"), signal));
  const subscription = name === null ? null : await connection.name("subscriptions", subscriptionOf(topic, name));
  // Of one that does not exist nothing is known.
  const known = subscription === null ? null : await connection.permitted(subscription, of("subscription"), signal).catch(() => null);
  signal.throwIfAborted();
  const onSubscription = known === null ? null : new Set(known);
  return (Object.keys(NEEDS) as GuardedOperation[]).map((operation) => {
    const need = NEEDS[operation];
    const denied = [
      ...need.topic.filter((one) => !onTopic.has(one)),
      ...(onSubscription === null ? [] : need.subscription.filter((one) => !onSubscription.has(one))),
    ];
    if (denied.length > 0) return { operation, isAllowed: false, lacking: denied };
    const unknown = [...need.project, ...(onSubscription === null ? need.subscription : [])];
    return { operation, isAllowed: unknown.length === 0 ? true : null, lacking: unknown };
  });
}
