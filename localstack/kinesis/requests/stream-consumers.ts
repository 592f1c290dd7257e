import { inUse, invalidArgument, limitExceeded, notFound } from "../service-error.ts";
import type { RegisteredConsumer, Stream } from "../streams/stream.ts";
import { type Handler, type RequestContext, streamOf } from "./handler.ts";
import { type Member, requiredStreamArn, streamMembers, tagsMember } from "./members.ts";

/** Of one stream. */
const MOST_CONSUMERS = 20;
const name = { type: "string", length: [1, 128], pattern: /^[a-zA-Z0-9_.-]+$/ } as const satisfies Member;
const consumerMembers = {
  StreamARN: streamMembers.StreamARN,
  ConsumerName: name,
  ConsumerARN: { type: "string", length: [1, 2_048] },
} as const;

interface RegisterInput {
  readonly StreamARN: string;
  readonly ConsumerName: string;
}

interface ConsumerInput {
  readonly StreamARN?: string | null;
  readonly ConsumerName?: string | null;
  readonly ConsumerARN?: string | null;
}

interface ListInput {
  readonly StreamARN: string;
  readonly NextToken?: string | null;
  readonly MaxResults?: number | null;
}

/** Registered consumers (enhanced fan-out) are kept, so that tools can list and delete them; SubscribeToShard is not served. */
export const consumerHandlers: readonly Handler[] = [
  {
    name: "RegisterStreamConsumer",
    members: { StreamARN: requiredStreamArn, ConsumerName: { ...name, required: true }, Tags: tagsMember },
    handle: ({ StreamARN, ConsumerName }: RegisterInput, context) => {
      const stream = streamOf({ StreamARN }, context);
      if (stream.consumers.has(ConsumerName)) throw inUse(`Consumer ${ConsumerName} of stream ${stream.name} already exists.`);
      if (stream.consumers.size >= MOST_CONSUMERS) throw limitExceeded(`A stream has at most ${MOST_CONSUMERS} registered consumers.`);
      const createdAtMs = context.clock.nowMs();
      const arn = `${stream.arn}/consumer/${ConsumerName}:${Math.floor(createdAtMs / 1_000)}`;
      const consumer = { name: ConsumerName, arn, createdAtMs };
      stream.consumers.set(ConsumerName, consumer);
      return { Consumer: described(consumer) };
    },
  },
  {
    name: "DescribeStreamConsumer",
    members: consumerMembers,
    handle: (input: ConsumerInput, context) => {
      const { stream, consumer } = consumerOf(input, context);
      return { ConsumerDescription: { ...described(consumer), StreamARN: stream.arn } };
    },
  },
  {
    name: "DeregisterStreamConsumer",
    members: consumerMembers,
    handle: (input: ConsumerInput, context) => {
      const { stream, consumer } = consumerOf(input, context);
      stream.consumers.delete(consumer.name);
      return {};
    },
  },
  {
    name: "ListStreamConsumers",
    members: {
      StreamARN: requiredStreamArn,
      NextToken: { type: "string", length: [1, 1_048_576] },
      MaxResults: { type: "integer", range: [1, 10_000] },
      StreamCreationTimestamp: { type: "timestamp" },
    },
    handle: ({ StreamARN, NextToken, MaxResults }: ListInput, context) => {
      const all = [...streamOf({ StreamARN }, context).consumers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const behind = all.filter((consumer) => consumer.name > (NextToken ?? ""));
      const page = behind.slice(0, MaxResults ?? 100);
      return { Consumers: page.map(described), ...(page.length < behind.length ? { NextToken: page.at(-1)!.name } : {}) };
    },
  },
];

function consumerOf(input: ConsumerInput, context: RequestContext): { readonly stream: Stream; readonly consumer: RegisteredConsumer } {
  const { ConsumerARN, ConsumerName } = input;
  const StreamARN = input.StreamARN ?? ConsumerARN?.split("/consumer/")[0];
  if (StreamARN === undefined) throw invalidArgument("Either ConsumerARN, or StreamARN and ConsumerName must be given.");
  const stream = streamOf({ StreamARN }, context);
  const consumer = [...stream.consumers.values()].find((each) => each.arn === ConsumerARN || each.name === ConsumerName);
  if (consumer === undefined) throw notFound(`Consumer ${ConsumerName ?? ConsumerARN} of stream ${stream.name} not found.`);
  return { stream, consumer };
}

function described({ name: ConsumerName, arn, createdAtMs }: RegisteredConsumer): object {
  return { ConsumerName, ConsumerARN: arn, ConsumerStatus: "ACTIVE", ConsumerCreationTimestamp: createdAtMs / 1_000 };
}
