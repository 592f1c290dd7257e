import {
  type GroupMember,
  type JoinGroupRequest,
  type JoinedGroup,
  type KafkaClient,
  KafkaProtocolError,
} from "../../../../adapters/kafka/client/kafka-client.ts";
import { encodeAssignment } from "../../../../adapters/kafka/group/member-metadata.ts";

type GroupCall = "findCoordinator" | "joinGroup" | "syncGroup" | "heartbeat" | "offsetFetch" | "offsetCommit";

/** Replaces the answer to a call: an error, or a promise that the test settles. */
type Interference = Error | Promise<void>;

/**
 * A client with a coordinator for one member. It answers like Kafka unless `plan` has another answer, call by call. `calls` has the
 * requests.
 */
export class GroupClient {
  readonly calls: { readonly call: GroupCall; readonly request: unknown }[] = [];
  readonly #planned = new Map<GroupCall, (Interference | null)[]>();
  generation = 0;
  /** The leader's assignment for the member. */
  assigned: { readonly partitions: readonly number[]; readonly moving: boolean } = { partitions: [0, 1], moving: false };

  /** `null`: the usual answer. */
  plan(call: GroupCall, ...interferences: readonly (Interference | null)[]): void {
    this.#planned.set(call, [...(this.#planned.get(call) ?? []), ...interferences]);
  }

  count(call: GroupCall): number {
    return this.calls.filter((made) => made.call === call).length;
  }

  /** The latest request of this kind. */
  last(call: GroupCall): unknown {
    return this.calls.findLast((made) => made.call === call)?.request;
  }

  async #enter(call: GroupCall, request: unknown, signal: AbortSignal): Promise<void> {
    this.calls.push({ call, request });
    signal.throwIfAborted();
    const planned = this.#planned.get(call)?.shift() ?? null;
    if (planned instanceof Error) throw planned;
    if (planned === null) return;
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    await Promise.race([planned, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
  }

  /** Only the calls that a group needs. Any other call would be a defect of the test. */
  get client(): KafkaClient {
    const calls: Partial<KafkaClient> = {
      findCoordinator: async (group, signal) => {
        await this.#enter("findCoordinator", group, signal);
        return 7;
      },
      joinGroup: async (_brokerId, request, signal) => {
        await this.#enter("joinGroup", request, signal);
        return this.#join(request);
      },
      syncGroup: async (_brokerId, request, signal) => {
        await this.#enter("syncGroup", request, signal);
        return encodeAssignment({ topic: "orders", ...this.assigned });
      },
      heartbeat: (_brokerId, member: GroupMember, signal) => this.#enter("heartbeat", member, signal),
    };
    return calls as KafkaClient;
  }

  #join({ memberId }: JoinGroupRequest): JoinedGroup {
    if (memberId === "") throw new KafkaProtocolError("JoinGroup", 79, null, `member-${this.count("joinGroup")}`);
    this.generation += 1;
    return { generation: this.generation, protocol: "streamport-cooperative", leaderId: "another", memberId, members: [] };
  }
}
