import { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import type { EmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";

/** Google's generated clients on the emulator: one call is one request, and nothing is retried. */
export interface RawClients extends AsyncDisposable {
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly schemas: v1.SchemaServiceClient;
  topic(id: string): string;
  subscription(id: string): string;
  snapshot(id: string): string;
  schema(id: string): string;
  /** One of Avro. */
  createSchema(id: string, definition: unknown): Promise<void>;
  /** One request. @returns the ids */
  publish(topic: string, values: readonly string[], orderingKey?: string): Promise<readonly string[]>;
  /** An ordered subscription unless given otherwise. */
  subscribe(topic: string, id: string, settings?: object): Promise<string>;
  /** What a Pull answers at once. */
  pull(subscription: string, maxMessages?: number): Promise<readonly Received[]>;
  stream(subscription: string, request?: object, options?: object): PullStream;
}

export interface Received {
  readonly ackId: string;
  readonly value: string;
  readonly key: string;
  readonly id: string;
  readonly attempt: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly publishedAtMs: number;
}

/** A StreamingPull, and what it has received. */
interface PullStream {
  readonly received: Received[];
  readonly responses: object[];
  write(request: object): void;
  /** @returns the code of gRPC with which the stream ended */
  readonly ended: Promise<number>;
  end(): void;
  cancel(): void;
  /** @returns the first of so many messages, once they are there */
  take(count: number): Promise<readonly Received[]>;
}

export const NO_RETRY = { retry: null, timeout: 20_000 } as const;

export function rawClients({ apiEndpoint, project }: Pick<EmulatedPubSub, "apiEndpoint" | "project">): RawClients {
  // Else the client looks for credentials of this machine.
  process.env["METADATA_SERVER_DETECTION"] = "none";
  const [host, port] = apiEndpoint.split(":") as [string, string];
  const options = {
    apiEndpoint: host,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
    projectId: project,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": 20,
  };
  const publisher = new v1.PublisherClient(options);
  const subscriber = new v1.SubscriberClient(options);
  const schemas = new v1.SchemaServiceClient(options);
  const named = (collection: string) => (id: string) => `projects/${project}/${collection}/${id}`;
  const [topic, subscription, snapshot, schema] = ["topics", "subscriptions", "snapshots", "schemas"].map(named) as [
    NameOf,
    NameOf,
    NameOf,
    NameOf,
  ];
  return {
    publisher,
    subscriber,
    schemas,
    topic,
    subscription,
    snapshot,
    schema,
    async createSchema(id, definition) {
      const request = { parent: `projects/${project}`, schemaId: id, schema: { type: "AVRO", definition: JSON.stringify(definition) } };
      await schemas.createSchema(request as never, NO_RETRY);
    },
    async publish(id, values, orderingKey = "") {
      const messages = values.map((value) => ({ data: Buffer.from(value), orderingKey }));
      const [{ messageIds }] = await publisher.publish({ topic: topic(id), messages }, NO_RETRY);
      return messageIds!;
    },
    async subscribe(topicId, id, settings = { enableMessageOrdering: true }) {
      const name = subscription(id);
      await subscriber.createSubscription({ name, topic: topic(topicId), ...settings }, NO_RETRY);
      return name;
    },
    async pull(name, maxMessages = 100) {
      const request = { subscription: name, maxMessages, returnImmediately: true };
      const [{ receivedMessages }] = await subscriber.pull(request, NO_RETRY);
      return receivedMessages!.map(receivedOf);
    },
    stream: (name, request = {}, callOptions = {}) => openStream(subscriber, name, request, callOptions),
    async [Symbol.asyncDispose]() {
      await Promise.all([publisher.close(), subscriber.close(), schemas.close()]);
    },
  };
}

type NameOf = (id: string) => string;
type StreamedResponse = { receivedMessages?: readonly object[] };

function openStream(subscriber: v1.SubscriberClient, subscription: string, request: object, callOptions: object): PullStream {
  const received: Received[] = [];
  const responses: object[] = [];
  const waiting: { readonly count: number; readonly resolve: (messages: readonly Received[]) => void }[] = [];
  const ended = Promise.withResolvers<number>();
  const stream = subscriber.streamingPull(callOptions);
  stream.on("data", (response: StreamedResponse) => {
    responses.push(response);
    received.push(...(response.receivedMessages ?? []).map(receivedOf));
    for (const { count, resolve } of waiting) if (received.length >= count) resolve(received.slice(0, count));
  });
  stream.on("error", ({ code }: { code: number }) => ended.resolve(code));
  stream.on("end", () => ended.resolve(0));
  stream.write({ subscription, streamAckDeadlineSeconds: 10, ...request });
  return {
    received,
    responses,
    ended: ended.promise,
    write: (further) => void stream.write(further),
    end: () => stream.end(),
    cancel: () => stream.cancel(),
    take: async (count) => {
      if (received.length >= count) return received.slice(0, count);
      const { promise, resolve } = Promise.withResolvers<readonly Received[]>();
      waiting.push({ count, resolve });
      return promise;
    },
  };
}

interface WireMessage {
  readonly ackId?: string | null;
  readonly deliveryAttempt?: number | null;
  readonly message?: {
    readonly data?: Uint8Array | string | null;
    readonly orderingKey?: string | null;
    readonly messageId?: string | null;
    readonly attributes?: Readonly<Record<string, string>> | null;
    readonly publishTime?: { readonly seconds?: number | string | object | null; readonly nanos?: number | null } | null;
  } | null;
}

function receivedOf(received: object): Received {
  const { ackId, deliveryAttempt, message } = received as WireMessage;
  const { data, orderingKey, messageId, attributes, publishTime } = message!;
  return {
    ackId: ackId!,
    value: Buffer.from(data as Uint8Array).toString(),
    key: orderingKey!,
    id: messageId!,
    attempt: deliveryAttempt!,
    attributes: attributes!,
    publishedAtMs: Number(publishTime!.seconds) * 1_000 + publishTime!.nanos! / 1_000_000,
  };
}

/** @returns the code of gRPC with which a call was refused */
export async function codeOf(call: Promise<unknown>): Promise<number> {
  return call.then(
    () => 0,
    ({ code }: { code: number }) => code,
  );
}
