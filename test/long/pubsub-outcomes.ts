import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { NO_RETRY, type RawClients, type Received, codeOf } from "../unit/localstack/pubsub/raw-clients.ts";

/** What a Pub/Sub does, as values that can be compared: codes of gRPC, values of messages. */
export type Outcome = string | number | readonly Outcome[];

/** Time for what is not answered: redelivery, streams. */
const SETTLED_MS = 400;

const newId = (): string => `id-${randomUUID()}`;
const valuesOf = (messages: readonly Received[]): string => messages.map(({ value }) => value).join(" ");
const idsOf = (messages: readonly Received[]): string[] => messages.map(({ ackId }) => ackId);
const x = Buffer.from("x");

class Probe {
  readonly clients: RawClients;

  constructor(clients: RawClients) {
    this.clients = clients;
  }

  async topic(settings: object = {}): Promise<string> {
    const id = newId();
    await this.clients.publisher.createTopic({ name: this.clients.topic(id), ...settings }, NO_RETRY);
    return id;
  }

  /** A new topic with these messages, published after an ordered subscription was made, unless given otherwise. */
  async backlog(values: readonly string[], settings?: object, topicSettings?: object): Promise<{ topic: string; subscription: string }> {
    const topic = await this.topic(topicSettings);
    const subscription = await this.clients.subscribe(topic, newId(), settings);
    if (values.length > 0) await this.clients.publish(topic, values, "k");
    return { topic, subscription };
  }

  async publish(...messages: readonly object[]): Promise<number> {
    const topic = this.clients.topic(await this.topic());
    return codeOf(this.clients.publisher.publish({ topic, messages: messages as object[] }, NO_RETRY));
  }

  async acknowledge(subscription: string, ackIds: readonly string[]): Promise<Outcome> {
    return outcomeOf(this.clients.subscriber.acknowledge({ subscription, ackIds: [...ackIds] }, NO_RETRY));
  }

  async extend(subscription: string, ackIds: readonly string[], ackDeadlineSeconds: number): Promise<Outcome> {
    return outcomeOf(this.clients.subscriber.modifyAckDeadline({ subscription, ackIds: [...ackIds], ackDeadlineSeconds }, NO_RETRY));
  }

  async pullLater(subscription: string): Promise<string> {
    await delay(SETTLED_MS);
    return valuesOf(await this.clients.pull(subscription));
  }
}

async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  return call.then(
    () => 0,
    ({ code, errorInfoMetadata = {} }: { code: number; errorInfoMetadata?: Readonly<Record<string, string>> }) => {
      const reasons = Object.values(errorInfoMetadata);
      return reasons.length === 0 ? code : [code, ...reasons];
    },
  );
}

async function deadLetter(probe: Probe, settings: object): Promise<Outcome> {
  const failed = await probe.backlog([]);
  const deadLetterPolicy = { deadLetterTopic: probe.clients.topic(failed.topic), maxDeliveryAttempts: 5 };
  const { subscription } = await probe.backlog(["1"], { ...settings, deadLetterPolicy });
  const attempts: number[] = [];
  for (let count = 0; count < 6; count += 1) {
    const messages = await probe.clients.pull(subscription);
    attempts.push(...messages.map(({ attempt }) => attempt));
    if (messages.length > 0) await probe.extend(subscription, idsOf(messages), 0);
    await delay(SETTLED_MS);
  }
  const [forwarded] = await probe.clients.pull(failed.subscription);
  return [attempts, forwarded?.value ?? "", forwarded?.key ?? "", Object.keys(forwarded?.attributes ?? {}).toSorted()];
}

const FLIGHT = { type: "record", name: "Flight", fields: [{ name: "number", type: "int" }] };
const FITTING = '{"number":1}';

/** A topic that takes flights in JSON, and a subscription of it. */
async function checkedTopic(probe: Probe): Promise<{ readonly schema: string; readonly topic: string; readonly subscription: string }> {
  const schema = newId();
  await probe.clients.createSchema(schema, FLIGHT);
  return { schema, ...(await probe.backlog([], {}, { schemaSettings: { schema: probe.clients.schema(schema), encoding: "JSON" } })) };
}

const EXACTLY_ONCE = { enableExactlyOnceDelivery: true, enableMessageOrdering: true };

/** By name. Each makes topics and subscriptions of its own. */
const OPERATIONS: Readonly<Record<string, (probe: Probe) => Promise<Outcome>>> = {
  "publish no message": async (probe) => probe.publish(),
  "publish an empty message": async (probe) => probe.publish({}),
  "publish 1,001 messages": async (probe) => probe.publish(...Array.from({ length: 1_001 }, () => ({ data: x }))),
  "publish 101 attributes": async (probe) =>
    probe.publish({ attributes: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`a${index}`, "v"])) }),
  "publish a key of 1,025 bytes": async (probe) => probe.publish({ data: x, orderingKey: "k".repeat(1_025) }),
  "publish two keys": async (probe) => probe.publish({ data: x, orderingKey: "a" }, { data: x, orderingKey: "b" }),
  "publish 10,000,001 bytes": async (probe) => probe.publish({ data: Buffer.alloc(10_000_001) }),
  "publish to no topic": async ({ clients }) => codeOf(clients.publish("none", ["1"])),
  "publish to no name": async ({ clients }) => codeOf(clients.publisher.publish({ topic: "none", messages: [{ data: x }] }, NO_RETRY)),
  "names of topics": async ({ clients }) =>
    Promise.all(
      ["ab", "1abc", "googol", "a b", "a".repeat(256)].map(async (id) =>
        codeOf(clients.publisher.createTopic({ name: clients.topic(id) }, NO_RETRY)),
      ),
    ),
  "a topic twice": async (probe) => {
    const name = probe.clients.topic(await probe.topic());
    return codeOf(probe.clients.publisher.createTopic({ name }, NO_RETRY));
  },
  "a topic with 1 s of retention": async (probe) => codeOf(probe.topic({ messageRetentionDuration: { seconds: 1 } })),
  "a subscription twice": async (probe) => {
    const topic = await probe.topic();
    const id = newId();
    await probe.clients.subscribe(topic, id);
    return codeOf(probe.clients.subscribe(topic, id));
  },
  "a subscription of no topic": async ({ clients }) => codeOf(clients.subscribe("none", newId())),
  "a deadline of 9 s": async (probe) => codeOf(probe.backlog([], { ackDeadlineSeconds: 9 })),
  "a deadline of 601 s": async (probe) => codeOf(probe.backlog([], { ackDeadlineSeconds: 601 })),
  "a life of an hour": async (probe) => codeOf(probe.backlog([], { expirationPolicy: { ttl: { seconds: 3_600 } } })),
  "another order": async (probe) => {
    const { subscription: name } = await probe.backlog([]);
    const request = { subscription: { name, enableMessageOrdering: false }, updateMask: { paths: ["enable_message_ordering"] } };
    return codeOf(probe.clients.subscriber.updateSubscription(request, NO_RETRY));
  },
  "acknowledge nothing": async (probe) => probe.acknowledge((await probe.backlog([])).subscription, []),
  "extend what is no id": async (probe) => probe.extend((await probe.backlog([], {})).subscription, ["nonsense"], 10),
  "extend what is no id of an ordered subscription": async (probe) =>
    probe.extend((await probe.backlog([])).subscription, ["nonsense"], 10),
  "pull nothing": async (probe) => {
    const { subscription } = await probe.backlog([]);
    return codeOf(probe.clients.subscriber.pull({ subscription, maxMessages: 0 }, NO_RETRY));
  },
  "seek to nothing": async (probe) => {
    const { subscription } = await probe.backlog([]);
    return codeOf(probe.clients.subscriber.seek({ subscription }, NO_RETRY));
  },
  "open a stream with wrong deadlines": async (probe) => {
    const { subscription } = await probe.backlog([]);
    return Promise.all([0, 9, 601].map(async (seconds) => probe.clients.stream(subscription, { streamAckDeadlineSeconds: seconds }).ended));
  },
  "a stream of a subscription that is deleted": async (probe) => {
    const { subscription } = await probe.backlog(["1"]);
    const stream = probe.clients.stream(subscription);
    await stream.take(1);
    await probe.clients.subscriber.deleteSubscription({ subscription });
    return stream.ended;
  },
  "a late acknowledgement": async (probe) => {
    const { subscription } = await probe.backlog(["1"]);
    const late = idsOf(await probe.clients.pull(subscription));
    await probe.extend(subscription, late, 1);
    await delay(1_600);
    return [await probe.acknowledge(subscription, late), await probe.pullLater(subscription)];
  },
  "an acknowledgement after another delivery": async (probe) => {
    const { subscription } = await probe.backlog(["1"]);
    const first = idsOf(await probe.clients.pull(subscription));
    await probe.extend(subscription, first, 0);
    await delay(SETTLED_MS);
    const second = idsOf(await probe.clients.pull(subscription));
    const outcome = await probe.acknowledge(subscription, first);
    await probe.extend(subscription, second, 0);
    return [outcome, await probe.pullLater(subscription)];
  },
  "an acknowledgement after deadline 0": async (probe) => {
    const { subscription } = await probe.backlog(["1"]);
    const ids = idsOf(await probe.clients.pull(subscription));
    await probe.extend(subscription, ids, 0);
    return [await probe.acknowledge(subscription, ids), await probe.pullLater(subscription)];
  },
  "a malformed id among good ones": async (probe) => {
    const { subscription } = await probe.backlog(["1"], {});
    const ids = idsOf(await probe.clients.pull(subscription));
    const outcome = await probe.acknowledge(subscription, ["nonsense", ...ids]);
    await probe.extend(subscription, ids, 0);
    return [outcome, await probe.pullLater(subscription)];
  },
  "exactly-once: acknowledged twice": async (probe) => {
    const { subscription } = await probe.backlog(["1"], EXACTLY_ONCE);
    const ids = idsOf(await probe.clients.pull(subscription));
    return [await probe.acknowledge(subscription, ids), await probe.acknowledge(subscription, ids)];
  },
  "exactly-once: acknowledged out of order": async (probe) => {
    const { subscription } = await probe.backlog(["1", "2"], EXACTLY_ONCE);
    const ids = idsOf(await probe.clients.pull(subscription));
    return probe.acknowledge(subscription, ids.slice(1));
  },
  "a key that is outstanding in a Pull": async (probe) => {
    const { subscription } = await probe.backlog(["1", "2", "3"]);
    const first = await probe.clients.pull(subscription, 2);
    const second = await probe.clients.pull(subscription, 2);
    await probe.acknowledge(subscription, idsOf(first));
    return [valuesOf(first), valuesOf(second), await probe.pullLater(subscription)];
  },
  "the later messages of a key": async (probe) => {
    const { subscription } = await probe.backlog(["1", "2", "3"]);
    const stream = probe.clients.stream(subscription);
    const first = await stream.take(3);
    await probe.acknowledge(subscription, [first[2]!.ackId]);
    await probe.extend(subscription, [first[0]!.ackId], 0);
    await delay(2 * SETTLED_MS);
    stream.cancel();
    return valuesOf(stream.received);
  },
  "flow control": async (probe) => {
    const { subscription } = await probe.backlog(["1", "2", "3", "4", "5"]);
    const stream = probe.clients.stream(subscription, { maxOutstandingMessages: 2 });
    await stream.take(2);
    await delay(SETTLED_MS);
    stream.cancel();
    return stream.received.length;
  },
  "a sign of life": async (probe) => {
    const { subscription } = await probe.backlog([]);
    const stream = probe.clients.stream(subscription, { protocolVersion: 1 });
    await delay(SETTLED_MS);
    stream.write({});
    await delay(SETTLED_MS);
    stream.cancel();
    return stream.responses.length;
  },
  "a seek to a time": async (probe) => {
    const { topic, subscription } = await probe.backlog([], { retainAckedMessages: true });
    for (const value of ["1", "2", "3"]) {
      await probe.clients.publish(topic, [value]);
      await delay(20);
    }
    const messages = await probe.clients.pull(subscription);
    await probe.acknowledge(subscription, idsOf(messages));
    const ms = messages.find(({ value }) => value === "2")!.publishedAtMs;
    const time = { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1_000_000) };
    return [await outcomeOf(probe.clients.subscriber.seek({ subscription, time }, NO_RETRY)), await probe.pullLater(subscription)];
  },
  "a seek of an ordered subscription": async (probe) => {
    const { subscription } = await probe.backlog(["1"]);
    return codeOf(probe.clients.subscriber.seek({ subscription, time: { seconds: 1 } }, NO_RETRY));
  },
  "a seek to a snapshot": async (probe) => {
    const { topic, subscription } = await probe.backlog(["1"]);
    const snapshot = probe.clients.snapshot(newId());
    await probe.clients.subscriber.createSnapshot({ name: snapshot, subscription });
    await probe.acknowledge(subscription, idsOf(await probe.clients.pull(subscription)));
    await probe.clients.publish(topic, ["2"], "k");
    return [await outcomeOf(probe.clients.subscriber.seek({ subscription, snapshot }, NO_RETRY)), await probe.pullLater(subscription)];
  },
  "a seek to a snapshot of another topic": async (probe) => {
    const [one, other] = [await probe.backlog([]), await probe.backlog([])];
    const snapshot = probe.clients.snapshot(newId());
    await probe.clients.subscriber.createSnapshot({ name: snapshot, subscription: one.subscription });
    return codeOf(probe.clients.subscriber.seek({ subscription: other.subscription, snapshot }, NO_RETRY));
  },
  "a new subscription of a topic that retains": async (probe) => {
    const topic = await probe.topic({ messageRetentionDuration: { seconds: 600 } });
    await probe.clients.publish(topic, ["1"]);
    return probe.pullLater(await probe.clients.subscribe(topic, newId(), {}));
  },
  "a seek of an ordered subscription to a snapshot of one without order": async (probe) => {
    const { topic, subscription } = await probe.backlog([]);
    const snapshot = probe.clients.snapshot(newId());
    await probe.clients.subscriber.createSnapshot({ name: snapshot, subscription: await probe.clients.subscribe(topic, newId(), {}) });
    return codeOf(probe.clients.subscriber.seek({ subscription, snapshot }, NO_RETRY));
  },
  "a schema that is none": async ({ clients }) =>
    Promise.all([{}, "integer", { type: "record", name: "R" }].map(async (one) => codeOf(clients.createSchema(newId(), one)))),
  "a topic without its schema": async (probe) =>
    codeOf(probe.topic({ schemaSettings: { schema: probe.clients.schema("none"), encoding: "JSON" } })),
  "a topic without an encoding": async (probe) => {
    const schema = newId();
    await probe.clients.createSchema(schema, FLIGHT);
    return codeOf(probe.topic({ schemaSettings: { schema: probe.clients.schema(schema) } }));
  },
  "one message that the schema refuses": async (probe) => {
    const { topic, subscription } = await checkedTopic(probe);
    return [await codeOf(probe.clients.publish(topic, [FITTING, "{}", FITTING])), await probe.pullLater(subscription)];
  },
  "messages that fit a schema or not": async (probe) => {
    const { topic } = await checkedTopic(probe);
    const values = ['{"number":1,"more":1}', '{"number":"1"}', '{"number":2147483648}', "1", ""];
    return Promise.all(values.map(async (value) => codeOf(probe.clients.publish(topic, [value]))));
  },
  "what a schema adds to a message": async (probe) => {
    const { topic, subscription } = await checkedTopic(probe);
    await probe.clients.publish(topic, [FITTING]);
    await delay(SETTLED_MS);
    const [message] = await probe.clients.pull(subscription);
    return [message!.attributes["googclient_schemaencoding"] ?? "", ...Object.keys(message!.attributes).toSorted()];
  },
  "a schema that is deleted": async (probe) => {
    const { schema, topic } = await checkedTopic(probe);
    await probe.clients.schemas.deleteSchema({ name: probe.clients.schema(schema) }, NO_RETRY);
    const [found] = await probe.clients.publisher.getTopic({ topic: probe.clients.topic(topic) }, NO_RETRY);
    return [found.schemaSettings?.schema ?? "", await codeOf(probe.clients.publish(topic, [FITTING]))];
  },
  "the dead letter": async (probe) => deadLetter(probe, {}),
  "the dead letter of a key": async (probe) => deadLetter(probe, { enableMessageOrdering: true }),
  "a subscription of a deleted topic": async (probe) => {
    const { topic, subscription } = await probe.backlog(["1"]);
    await probe.clients.publisher.deleteTopic({ topic: probe.clients.topic(topic) });
    const [found] = await probe.clients.subscriber.getSubscription({ subscription });
    return [found.topic ?? "", await probe.pullLater(subscription)];
  },
};

/** Carries out all operations, some at a time. @returns what each led to, by its name */
export async function pubSubOutcomes(clients: RawClients): Promise<Readonly<Record<string, Outcome>>> {
  const outcomes: Record<string, Outcome> = {};
  const waiting = Object.entries(OPERATIONS);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, operation] = next;
      outcomes[name] = await operation(new Probe(clients)).catch(({ code, message }: { code?: number; message: string }) => [
        "refused",
        code ?? message,
      ]);
    }
  };
  await Promise.all(Array.from({ length: 6 }, work));
  return outcomes;
}
