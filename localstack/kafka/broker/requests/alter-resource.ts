import { ErrorCode, Refusal } from "../error-code.ts";
import type { Topic } from "../topics/topic.ts";
import { isTopicName } from "../topics/topics.ts";
import type { RequestContext } from "./handler.ts";

/** Kafka's numbers of the types of resources that have settings. */
export const TOPIC_RESOURCE = 2;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

interface Altered extends Resource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Changes the settings of a topic. Those of brokers cannot be changed. */
export function alterResource(
  { resourceType, resourceName }: Resource,
  { cluster, faults }: RequestContext,
  alter: (topic: Topic) => void,
): Altered {
  try {
    const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, resourceName);
    if (refusal !== ErrorCode.none) throw new Refusal(refusal, "Authorization failed.");
    if (resourceType !== TOPIC_RESOURCE) {
      throw new Refusal(ErrorCode.invalidRequest, `the emulator changes settings of topics (2), not of resources of type ${resourceType}`);
    }
    if (resourceName === "") throw new Refusal(ErrorCode.invalidRequest, "Default topic resources are not allowed.");
    if (!isTopicName(resourceName)) {
      throw new Refusal(ErrorCode.invalidTopicException, `Topic name is invalid: ${JSON.stringify(resourceName)}`);
    }
    const topic = cluster.topics.get(resourceName);
    if (topic === undefined) throw new Refusal(ErrorCode.unknownTopicOrPartition, `The topic '${resourceName}' does not exist.`);
    alter(topic);
    return { errorCode: ErrorCode.none, errorMessage: null, resourceType, resourceName };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName };
  }
}
