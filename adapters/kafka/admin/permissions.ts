import { RetryBackoff, retrying } from "../../../src/adapter-kit/index.ts";
import type { GroupName, GuardedOperation, Permission } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { type AllowedOperations, KafkaProtocolError, KafkaUnsupportedError } from "../client/kafka-client.ts";
import { classify, topicNotFound } from "../errors.ts";
import { Coordinator } from "../group/coordinator.ts";
import { nativeGroupName } from "../group/group-name.ts";
import type { KafkaService } from "../service.ts";

/** Numbers of Kafka's `AclOperation`: the bits of `AllowedOperations`. */
const OPERATIONS = { Read: 3, Write: 4, Create: 5, Delete: 6, Alter: 7, AlterConfigs: 11 } as const;
const NONE = 0;

type Resource = "topic" | "group" | "cluster";
/** The allowed operations on each resource. `group` is `null` as well if no group was named. */
export type GrantedOperations = Readonly<Record<Resource, AllowedOperations>>;
type Need = readonly [operation: keyof typeof OPERATIONS, resource: Resource];

/** All of the listed operations are needed, but only one for `createTopic`. The README has the same table. */
const NEEDS: Readonly<Record<GuardedOperation, readonly Need[]>> = {
  send: [["Write", "topic"]],
  consume: [
    ["Read", "topic"],
    ["Read", "group"],
  ],
  createTopic: [
    ["Create", "topic"],
    ["Create", "cluster"],
  ],
  updateTopic: [
    ["Alter", "topic"],
    ["AlterConfigs", "topic"],
  ],
  deleteTopic: [["Delete", "topic"]],
  resetGroup: [
    ["Read", "topic"],
    ["Read", "group"],
  ],
  deleteGroup: [["Delete", "group"]],
};

/** The operations that the server allows. @throws `not-found` */
export async function permissionsOn(
  service: KafkaService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<readonly Permission[]> {
  const backoff = new RetryBackoff({ report: service.report, topic, classify });
  return retrying("permissions", backoff, signal, async () => permissionsFrom(await grantedOperations(service, topic, name, signal)));
}

async function grantedOperations(
  service: KafkaService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<GrantedOperations> {
  try {
    const granted = await topicOperations(service, topic, signal);
    const group = name === null ? null : await groupOperations(service, nativeGroupName(topic, name.group, name.nativeGroup), signal);
    return { ...granted, group };
  } catch (error) {
    // Kafka reports operations since version 2.3. Other servers may never do so.
    if (error instanceof KafkaUnsupportedError) return { topic: null, group: null, cluster: null };
    throw error;
  }
}

export function permissionsFrom(granted: GrantedOperations): readonly Permission[] {
  return (Object.keys(NEEDS) as GuardedOperation[]).map((operation) => {
    const needs = NEEDS[operation].map(([need, resource]) => ({
      isAllowed: includesOperation(granted[resource], OPERATIONS[need]),
      text: `${need} on the ${resource}`,
    }));
    const needsOnlyOne = operation === "createTopic";
    const isAllowed = needsOnlyOne ? anyAllowed(needs) : allAllowed(needs);
    if (isAllowed === true) return { operation, isAllowed, lacking: [] };
    const texts = needs.filter((need) => need.isAllowed === isAllowed).map(({ text }) => text);
    return { operation, isAllowed, lacking: needsOnlyOne ? [texts.join(" or ")] : texts };
  });
}

type CheckedNeeds = readonly { readonly isAllowed: boolean | null }[];

function allAllowed(needs: CheckedNeeds): boolean | null {
  if (needs.some(({ isAllowed }) => isAllowed === false)) return false;
  return needs.some(({ isAllowed }) => isAllowed === null) ? null : true;
}

function anyAllowed(needs: CheckedNeeds): boolean | null {
  if (needs.some(({ isAllowed }) => isAllowed === true)) return true;
  return needs.some(({ isAllowed }) => isAllowed === null) ? null : false;
}

function includesOperation(granted: AllowedOperations, operation: number): boolean | null {
  return granted === null ? null : (granted & (1 << operation)) !== 0;
}

async function topicOperations(
  { client }: KafkaService,
  topic: string,
  signal: AbortSignal,
): Promise<Pick<GrantedOperations, "topic" | "cluster">> {
  const granted = await client.topicOperations(topic, signal);
  // Every operation on a topic includes Describe, so without Describe nothing is allowed.
  if (granted.errorCode === ErrorNumber.TOPIC_AUTHORIZATION_FAILED) return { topic: NONE, cluster: granted.cluster };
  if (granted.errorCode === ErrorNumber.UNKNOWN_TOPIC_OR_PARTITION)
    throw topicNotFound(topic, new KafkaProtocolError("Metadata", granted.errorCode));
  return { topic: granted.topic, cluster: granted.cluster };
}

async function groupOperations({ client }: KafkaService, native: string, signal: AbortSignal): Promise<AllowedOperations> {
  try {
    const granted = await new Coordinator(client, native).ask(signal, (brokerId) => client.groupOperations(brokerId, native, signal));
    if (granted.errorCode === 0) return granted.group;
    throw new KafkaProtocolError("DescribeGroups", granted.errorCode);
  } catch (error) {
    if (error instanceof KafkaProtocolError && error.errorCode === ErrorNumber.GROUP_AUTHORIZATION_FAILED) return NONE;
    throw error;
  }
}
