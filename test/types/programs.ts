/**
 * Programs against the public interface, compiled and never run. What must be refused stands under an expected error:
 * when the compiler accepts it, that comment itself becomes the error.
 */
import { tracingChannel } from "node:diagnostics_channel";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { memory } from "../../adapters/memory/index.ts";
import {
  type CallEvent,
  type Capability,
  type CommitEvent,
  type Connection,
  type DeliverEvent,
  type FailureAction,
  type GapEvent,
  type GrantedBy,
  type HandleEvent,
  type Message,
  type OwnershipEvent,
  type Producer,
  type RetryEvent,
  type SendEvent,
  type ThrottleEvent,
  type Topic,
  type WarningEvent,
  bytes,
  connect,
  isStreamError,
  json,
  text,
} from "../../src/index.ts";

interface Flight {
  readonly origin: string;
  readonly delay: number;
}

export async function gatingByUrl(url: string): Promise<void> {
  const plain = await connect(url);
  expectTypeOf<typeof plain>().toEqualTypeOf<Connection>();
  await plain.admin.describeTopic("flights");
  await plain.admin.describeGroup("flights", "delays");
  // @ts-expect-error a URL says nothing: topicAdmin has not been required
  await plain.admin.createTopic("flights");
  // @ts-expect-error topicListing has not been required
  await plain.admin.listTopics();
  // @ts-expect-error groupReset has not been required
  await plain.admin.resetGroup("flights", "delays", "earliest");
  // @ts-expect-error neither lagInMessages nor lagInTime has been required
  await plain.admin.lag("flights", "delays");

  const administrator = await connect(url, { require: ["topicAdmin", "topicListing", "lagInTime"] });
  expectTypeOf<typeof administrator>().toEqualTypeOf<Connection<"topicAdmin" | "topicListing" | "lagInTime">>();
  expectTypeOf<typeof administrator.capabilities.topicAdmin>().toEqualTypeOf<true>();
  expectTypeOf<typeof administrator.capabilities.groupAdmin>().toEqualTypeOf<boolean>();
  await administrator.admin.createTopic("flights", { partitions: 4, retentionMs: 86_400_000 });
  await administrator.admin.updateTopic("flights", { partitions: 8, mayReorder: true });
  await administrator.admin.deleteTopic("flights");
  await administrator.admin.listTopics();
  await administrator.admin.lag("flights", "delays");
  // @ts-expect-error groupAdmin has not been required
  await administrator.admin.listGroups("flights");
  // @ts-expect-error groupAdmin has not been required
  await administrator.admin.deleteGroup("flights", "delays");

  // @ts-expect-error there is no such capability
  await connect(url, { require: ["teleportation"] });
  // @ts-expect-error readerEnd is not a yes-or-no capability
  await connect(url, { require: ["readerEnd"] });
  // @ts-expect-error nor is bookmarkLifetimeMs
  await connect(url, { require: ["bookmarkLifetimeMs"] });
  // @ts-expect-error there is no such option
  await connect(url, { requires: ["topicAdmin"] });
}

export async function gatingByDriver(): Promise<void> {
  const driver = memory({ name: "shop", topics: { orders: { partitions: 2 } }, like: "kinesis", without: ["groupReset"], delayMs: 1 });
  expectTypeOf<GrantedBy<typeof driver>>().toEqualTypeOf<Capability>();
  expectTypeOf<GrantedBy<string>>().toEqualTypeOf<never>();
  const connection = await connect(driver);
  expectTypeOf<typeof connection>().toEqualTypeOf<Connection<Capability>>();
  await connection.admin.createTopic("orders");
  await connection.admin.listGroups("orders");
  await connection.admin.lag("orders", "billing");
  // A connection that is known to do more may stand where less is asked for.
  const lesser: Connection<"topicAdmin"> = connection;
  const least: Connection = lesser;
  void least;
  // @ts-expect-error memory takes the shape of one of the five providers
  memory({ like: "carrier-pigeon" });
  // @ts-expect-error a connection of which nothing is known does not stand where topicAdmin is asked for
  const more: Connection<"topicAdmin"> = least;
  void more;
}

export async function codecs(connection: Connection): Promise<void> {
  const trusted = connection.topic("flights", { codec: json<Flight>(), key: (flight) => flight.origin });
  expectTypeOf<typeof trusted>().toEqualTypeOf<Topic<Flight, Flight>>();

  const schema = z.object({ origin: z.string(), at: z.string().transform((value) => new Date(value)) });
  const checked = connection.topic("flights", { codec: json(schema), key: (flight) => flight.origin });
  expectTypeOf<typeof checked>().toEqualTypeOf<Topic<{ origin: string; at: Date }, { origin: string; at: string }>>();
  await checked.producer().send({ value: { origin: "ATL", at: "2001-01-01" } });
  // @ts-expect-error what is sent is the schema's input: a text, not a Date
  await checked.producer().send({ value: { origin: "ATL", at: new Date() } });
  for await (const message of checked.reader()) {
    expectTypeOf<typeof message>().toEqualTypeOf<Message<{ origin: string; at: Date }>>();
    expectTypeOf<typeof message.value.at>().toEqualTypeOf<Date>();
  }

  const lines = connection.topic("lines", { codec: text(), key: () => null });
  expectTypeOf<typeof lines>().toEqualTypeOf<Topic<string, string>>();
  const blobs = connection.topic("blobs", { codec: bytes() });
  await blobs.producer().send({ key: null, value: new Uint8Array(3) });
  // @ts-expect-error a topic needs a codec
  connection.topic("flights", {});
  // @ts-expect-error the value is a Flight
  await trusted.producer().send({ value: { origin: "ATL" } });
  // @ts-expect-error a key is a text or null
  await trusted.producer().send({ key: 7, value: { origin: "ATL", delay: 0 } });
  // @ts-expect-error an outgoing message has toPartition, not partition
  await trusted.producer().send({ partition: "0", value: { origin: "ATL", delay: 0 } });
}

export async function tombstones(connection: Connection): Promise<void> {
  const with_ = connection.topic("flights", { codec: json<Flight>(), key: (flight) => flight?.origin ?? null, tombstones: true });
  await with_.producer().send({ key: "ATL", value: null });
  for await (const { value } of with_.reader()) {
    expectTypeOf<typeof value>().toEqualTypeOf<Flight | null>();
    // @ts-expect-error it may be a tombstone
    console.log(value.origin);
  }
  const without = connection.topic("flights", { codec: json<Flight>(), key: (flight) => flight.origin });
  // @ts-expect-error tombstones are not allowed on this topic
  await without.producer().send({ key: "ATL", value: null });
}

export async function forwarding(from: Topic<Flight>, to: Producer<Flight>): Promise<void> {
  for await (const message of from.reader({ from: "earliest", until: "now" })) {
    await to.send({ ...message });
    await to.send(message);
    // @ts-expect-error a received message is read only
    message.key = "other";
  }
  const sent: number = await to.sendStream(from.reader());
  void sent;
}

export async function consuming(flights: Topic<Flight>): Promise<void> {
  const consumer = flights.consumer({
    group: "delays",
    concurrency: 16,
    initialPosition: { timestamp: new Date() },
    onFailure: ({ error }): FailureAction => (isStreamError(error, "corrupt") ? "skip" : { deadLetter: "flights-failed" }),
  });
  await consumer.run(async (message, { signal, attempt, epoch }) => {
    expectTypeOf<typeof message>().toEqualTypeOf<Message<Flight>>();
    expectTypeOf<typeof signal>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<typeof attempt>().toEqualTypeOf<number>();
    expectTypeOf<typeof epoch>().toEqualTypeOf<string | null>();
  });
  await consumer.runBatches((messages, context) => context.fail(messages[0]!, new Error("bad")));
  for await (const message of consumer) expectTypeOf<typeof message>().toEqualTypeOf<Message<Flight>>();
  // @ts-expect-error a consumer needs a group
  flights.consumer({});
  // @ts-expect-error there is no such action
  flights.consumer({ group: "delays", onFailure: "shrug" });
  // @ts-expect-error there is no such start
  flights.consumer({ group: "delays", initialPosition: "middle" });
}

export async function replaying(flights: Topic<Flight>, at: string): Promise<void> {
  const bookmark = await flights.reader({ from: { at }, until: { through: at }, partitions: ["0"] }).bookmark();
  flights.reader({ from: { bookmark }, until: { timestamp: 0 } });
  flights.reader({ from: { after: at }, partitions: ["0"] });
  // @ts-expect-error a range does not end at the latest message for ever: it is "now"
  flights.reader({ until: "latest" });
  // @ts-expect-error a start is an object with one property, or a word
  flights.reader({ from: at });
}

export function diagnosing(): void {
  tracingChannel<"streamport:handle", HandleEvent>("streamport:handle").start.subscribe((event) => {
    const { partition, position, timestamp } = event as HandleEvent;
    expectTypeOf<[typeof partition, typeof position, typeof timestamp]>().toEqualTypeOf<[string, string, Date]>();
  });
  expectTypeOf<SendEvent["headers"]>().toEqualTypeOf<Record<string, string>>();
  expectTypeOf<CallEvent | RetryEvent | ThrottleEvent | WarningEvent>().toHaveProperty("provider");
  expectTypeOf<DeliverEvent | CommitEvent | OwnershipEvent | GapEvent>().toHaveProperty("partition");
}

export function errors(error: unknown): string {
  if (isStreamError(error, "throttled", "unavailable")) {
    expectTypeOf<typeof error.code>().toEqualTypeOf<"throttled" | "unavailable">();
    return error.code;
  }
  // @ts-expect-error there is no such code
  if (isStreamError(error, "out-of-luck")) return "never";
  return isStreamError(error) ? error.code : "";
}
