import type { TopicIdentity } from "../../../src/driver/index.ts";

/** A stream as the service describes it: https://docs.oracle.com/iaas/api/#/en/streaming/20180418/Stream */
export interface ServiceStream {
  readonly id: string;
  readonly name: string;
  readonly partitions: number;
  readonly streamPoolId: string;
  readonly lifecycleState: string;
  readonly messagesEndpoint: string;
  /** Lists leave it out. */
  readonly retentionInHours?: number | undefined;
}

/** A stream as the service described it at one moment. */
export interface StreamSummary {
  readonly id: string;
  readonly name: string;
  /** `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `DELETED`, `FAILED` */
  readonly state: string;
  readonly identity: TopicIdentity;
  readonly partitions: readonly string[];
  readonly messagesEndpoint: string;
}

export function toSummary({ id, name, partitions, streamPoolId, lifecycleState, messagesEndpoint }: ServiceStream): StreamSummary {
  return {
    id,
    name,
    state: lifecycleState,
    identity: { cluster: streamPoolId, topic: name, incarnation: id },
    partitions: Array.from({ length: partitions }, (_, number) => String(number)),
    messagesEndpoint,
  };
}
