import type { TopicIdentity } from "../../src/driver/index.ts";
import type { PubSubConnection } from "./client/pubsub-connection.ts";
import { idOf } from "./resource-name.ts";

/** Which log a topic is. A topic that was deleted and created again cannot be told from the former one. */
export async function topicIdentity(connection: PubSubConnection, topic: string): Promise<TopicIdentity> {
  const [, project = ""] = (await connection.name("topics", topic)).split("/");
  return { cluster: project, topic: idOf(topic), incarnation: "" };
}
