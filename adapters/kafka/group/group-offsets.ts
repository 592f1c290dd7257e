import { ErrorNumber } from "../client/error-codes.ts";
import { type GroupMember, type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { type LogPlace, UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import { type Coordinator, isCoordinatorGone } from "./coordinator.ts";

const METADATA_PREFIX = "streamport topic ";
/** For commits outside a membership. */
const NO_MEMBER = { generation: -1, memberId: "" };

/**
 * The committed offsets of a group on one topic. The metadata of every offset names the topic id. So a late commit from an earlier
 * topic of the same name is not used for this topic.
 */
export class GroupOffsets {
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #group: string;
  readonly #topic: string;
  readonly #topicId: string | null;

  constructor(client: KafkaClient, coordinator: Coordinator, group: string, topic: string, topicId: string | null) {
    this.#client = client;
    this.#coordinator = coordinator;
    this.#group = group;
    this.#topic = topic;
    this.#topicId = topicId;
  }

  /** The committed places by partition. Partitions without a committed offset are absent. @throws `KafkaProtocolError` · any error of the client */
  async committed(partitions: readonly number[], signal: AbortSignal): Promise<Map<number, LogPlace>> {
    const topics = [{ topic: this.#topic, partitions }];
    const answer = await this.#coordinator.ask(signal, (brokerId) => this.#client.offsetFetch(brokerId, this.#group, topics, signal));
    const committed = new Map<number, LogPlace>();
    for (const { partition, errorCode, offset, leaderEpoch, metadata } of answer) {
      if (errorCode !== 0) throw new KafkaProtocolError("OffsetFetch", errorCode);
      if (offset < 0n) continue;
      const isOurs = metadata?.startsWith(METADATA_PREFIX) === true && this.#topicId !== null;
      if (isOurs && metadata !== METADATA_PREFIX + this.#topicId) continue;
      // Without our metadata the epoch may be one of an earlier topic of this name, so it is not used.
      committed.set(partition, isOurs ? { offset, leaderEpoch } : { offset, leaderEpoch: UNKNOWN_EPOCH, isForeign: true });
    }
    return committed;
  }

  /**
   * Commits the places. Each partition has its own result.
   * @param member `null`: an administrative commit, which the server accepts only while the group has no members
   * @returns an error code by partition; 0 is success
   * @throws an error of the whole request
   */
  async commit(
    member: GroupMember | null,
    places: ReadonlyMap<number, LogPlace>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    // A member without a generation must not commit: while the group is empty, a server would accept such a commit without fencing.
    if (member !== null && member.generation < 0) throw new KafkaProtocolError("OffsetCommit", ErrorNumber.UNKNOWN_MEMBER_ID);
    const metadata = this.#topicId === null ? null : METADATA_PREFIX + this.#topicId;
    const partitions = [...places].map(([partition, { offset, leaderEpoch }]) => ({ partition, offset, leaderEpoch, metadata }));
    const request = { ...(member ?? { group: this.#group, ...NO_MEMBER }), topic: this.#topic, partitions };
    const answer = await this.#coordinator.ask(signal, (brokerId) => this.#client.offsetCommit(brokerId, request, signal));
    if (answer.some(({ errorCode }) => isCoordinatorGone(errorCode))) this.#coordinator.forget();
    return new Map(answer.map(({ partition, errorCode }) => [partition, errorCode]));
  }
}
