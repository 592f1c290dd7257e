import { ErrorNumber } from "../client/error-codes.ts";
import { type GroupMember, type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { type LogPlace, UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import { type Coordinator, isCoordinatorGone } from "./coordinator.ts";

const MARK = "streamport topic ";
/** Of who is not a member. */
const NO_MEMBER = { generation: -1, memberId: "" };

/**
 * What a group has committed on one topic. With every offset we note the topic's id, so that an offset that a member of an
 * earlier topic of the same name committed late is not taken for one of this topic.
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

  /** Where it goes on, by partition; only what there is. @throws `KafkaProtocolError`, or what the client throws */
  async committed(partitions: readonly number[], signal: AbortSignal): Promise<Map<number, LogPlace>> {
    const topics = [{ topic: this.#topic, partitions }];
    const answer = await this.#coordinator.ask(signal, (brokerId) => this.#client.offsetFetch(brokerId, this.#group, topics, signal));
    const committed = new Map<number, LogPlace>();
    for (const { partition, errorCode, offset, leaderEpoch, metadata } of answer) {
      if (errorCode !== 0) throw new KafkaProtocolError("OffsetFetch", errorCode);
      if (offset < 0n) continue;
      const isMarked = metadata?.startsWith(MARK) === true && this.#topicId !== null;
      if (isMarked && metadata !== MARK + this.#topicId) continue;
      // Without our note it may be an epoch of an earlier topic of this name, which says nothing of this one.
      committed.set(partition, isMarked ? { offset, leaderEpoch } : { offset, leaderEpoch: UNKNOWN_EPOCH, isForeign: true });
    }
    return committed;
  }

  /** All or, where a code says so, less. `member: null`: for the administration, taken while the group has no members. @returns an error code by partition, 0 for none. @throws what concerns the whole request */
  async commit(
    member: GroupMember | null,
    places: ReadonlyMap<number, LogPlace>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    // Who is no member at this moment commits nothing: without a generation a server takes it while the group is empty, unfenced.
    if (member !== null && member.generation < 0) throw new KafkaProtocolError("OffsetCommit", ErrorNumber.UNKNOWN_MEMBER_ID);
    const metadata = this.#topicId === null ? null : MARK + this.#topicId;
    const partitions = [...places].map(([partition, { offset, leaderEpoch }]) => ({ partition, offset, leaderEpoch, metadata }));
    const request = { ...(member ?? { group: this.#group, ...NO_MEMBER }), topic: this.#topic, partitions };
    const answer = await this.#coordinator.ask(signal, (brokerId) => this.#client.offsetCommit(brokerId, request, signal));
    if (answer.some(({ errorCode }) => isCoordinatorGone(errorCode))) this.#coordinator.forget();
    return new Map(answer.map(({ partition, errorCode }) => [partition, errorCode]));
  }
}
