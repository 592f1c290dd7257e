import { setTimeout as delay } from "node:timers/promises";
import { heartbeatApi } from "../../../localstack/kafka/broker/requests/heartbeat.ts";
import { joinGroupApi } from "../../../localstack/kafka/broker/requests/join-group.ts";
import { leaveGroupApi } from "../../../localstack/kafka/broker/requests/leave-group.ts";
import { offsetCommitApi } from "../../../localstack/kafka/broker/requests/offset-commit.ts";
import { syncGroupApi } from "../../../localstack/kafka/broker/requests/sync-group.ts";
import type { Target } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const MEMBER_ID_REQUIRED = 79;
const PAUSE_MS = 150;

/** The fields of a join request. Absent fields have usual values. */
export interface GivenJoin {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

interface Joined {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string }[];
}

/** Kafka's own layout of a subscription of a consumer group member. */
export function subscription(topics: readonly string[]): Buffer {
  const names = topics.map((topic) => Buffer.concat([int16(topic.length), Buffer.from(topic)]));
  return Buffer.concat([int16(0), int32(topics.length), ...names, int32(-1)]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** One member of a group, step by step. */
export class GroupProbe implements AsyncDisposable {
  readonly client: RawClient;
  readonly group: string;
  readonly topic: string;
  memberId = "";
  generation = -1;
  members = 0;

  private constructor(client: RawClient, group: string, topic: string) {
    this.client = client;
    this.group = group;
    this.topic = topic;
  }

  /** @param topic the topic of its commits, which is created */
  static async open(target: Target, group: string, topic = `topic-${target.count()}`): Promise<GroupProbe> {
    return new GroupProbe(await target.raw(), group, await target.topic(topic));
  }

  async rawJoin(join: Partial<GivenJoin>, version = 5): Promise<Joined> {
    return this.client.call(joinGroupApi, version, {
      groupId: this.group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: subscription([this.topic]) }],
      reason: null,
      ...join,
    });
  }

  /** Joins, with its member id if it was a member before. */
  async join(join: Partial<GivenJoin> = {}): Promise<void> {
    const first = await this.rawJoin({ ...join, memberId: this.memberId });
    const joined = first.errorCode === MEMBER_ID_REQUIRED ? await this.rawJoin({ ...join, memberId: first.memberId }) : first;
    if (joined.errorCode !== 0) throw new Error(`could not join: ${joined.errorCode}`);
    this.become(joined);
  }

  become({ memberId, generationId, members }: Joined): void {
    this.memberId = memberId;
    this.generation = generationId;
    this.members = members.length;
  }

  rawSync(groupInstanceId: string | null = null): Promise<{ readonly errorCode: number; readonly assignment: Buffer }> {
    return this.client.call(syncGroupApi, 3, {
      groupId: this.group,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId,
      protocolType: null,
      protocolName: null,
      assignments: [{ memberId: this.memberId, assignment: Buffer.from("assigned") }],
    });
  }

  async sync(groupInstanceId: string | null = null): Promise<void> {
    const { errorCode } = await this.rawSync(groupInstanceId);
    if (errorCode !== 0) throw new Error(`could not sync: ${errorCode}`);
  }

  async heartbeat(): Promise<number> {
    const { group: groupId, generation: generationId, memberId } = this;
    return (await this.client.call(heartbeatApi, 3, { groupId, generationId, memberId, groupInstanceId: null })).errorCode;
  }

  async commit(offset: bigint, { generation = this.generation, memberId = this.memberId, metadata = "" } = {}): Promise<unknown> {
    const partition = { partitionIndex: 0, committedOffset: offset, committedMetadata: metadata };
    const { topics } = await this.client.call(offsetCommitApi, 7, {
      groupId: this.group,
      generationIdOrMemberEpoch: generation,
      memberId,
      groupInstanceId: null,
      topics: [{ name: this.topic, partitions: [partition] }],
    });
    return topics[0]?.partitions[0]?.errorCode;
  }

  async leave(): Promise<void> {
    const member = { memberId: this.memberId, groupInstanceId: null, reason: null };
    await this.client.call(leaveGroupApi, 3, { groupId: this.group, memberId: this.memberId, members: [member] });
  }

  /** Waits until the server has received a request whose answer is not awaited. */
  async pause(durationMs = PAUSE_MS): Promise<void> {
    await delay(durationMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
