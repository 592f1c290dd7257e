import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender, type Session } from "rhea";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { rawProducer, until } from "./raw-client.ts";

// What no SDK does: links without tokens, credit that is taken back, messages that are none.

const BATCH = 0x80013700;
let emulator: EmulatedEventHubs;
let connection: Connection;
const failures: string[] = [];

beforeEach(async () => {
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 1 } }, policies: { all: { key: "key" } } });
  const container = rhea.create_container();
  failures.length = 0;
  for (const event of ["sender_error", "receiver_error"]) {
    container.on(event, ({ sender, receiver }: EventContext) => failures.push(conditionOf((sender ?? receiver)!.error)));
  }
  for (const event of ["connection_error", "disconnected", "error", "protocol_error"]) container.on(event, () => undefined);
  connection = container.connect({ host: "127.0.0.1", port: Number(new URL(emulator.url).port), username: "anonymous", reconnect: false });
  await once(connection, "connection_open");
});

afterEach(async () => {
  connection.close();
  await emulator.close();
});

function conditionOf(error: unknown): string {
  return String((error as { readonly condition?: unknown } | undefined)?.condition);
}

function token(): string {
  const sr = encodeURIComponent("sb://host/orders");
  const se = Math.floor(Date.now() / 1_000) + 60;
  const sig = encodeURIComponent(createHmac("sha256", "key").update(`${sr}\n${se}`).digest("base64"));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}&skn=all`;
}

/** Opens a pair of links to `$cbs`, in a session of its own. */
async function openTokenLinks(): Promise<{ readonly session: Session; readonly sender: Sender; readonly receiver: Receiver }> {
  const session = connection.create_session();
  session.open();
  const receiver = session.open_receiver({ source: { address: "$cbs" }, name: "answers" });
  const sender = session.open_sender({ target: { address: "$cbs" } });
  await Promise.all([once(receiver, "receiver_open"), once(sender, "sender_open")]);
  return { session, sender, receiver };
}

async function putToken(): Promise<void> {
  const { sender, receiver } = await openTokenLinks();
  const application_properties = { operation: "put-token", type: "servicebus.windows.net:sastoken", name: "sb://host/orders" };
  sender.send({ message_id: "one", reply_to: "answers", body: token(), application_properties });
  const [{ message }] = (await once(receiver, "message")) as [EventContext];
  expect(message).toMatchObject({ correlation_id: "one", application_properties: { "status-code": 202 } });
}

async function outcomeOf(sender: Sender, payload: Buffer, format: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  sender.once("accepted", () => resolve("accepted"));
  sender.once("rejected", ({ delivery }: EventContext) =>
    resolve(conditionOf((delivery!.remote_state as { readonly error?: unknown } | undefined)?.error)),
  );
  sender.send(payload, undefined, format);
  return promise;
}

function encoded(message: Message): Buffer {
  return rhea.message.encode(message);
}

test("without a token every link is refused, and each is told so on its own", async () => {
  connection.open_sender({ target: { address: "orders" } });
  connection.open_receiver({ source: { address: "orders/ConsumerGroups/$Default/Partitions/0" } });
  await until(
    () => failures.length === 2,
    () => `two refusals; there are ${failures.join()}`,
  );
  expect(failures).toEqual(["amqp:unauthorized-access", "amqp:unauthorized-access"]);
});

test("a second pair of links to $cbs is refused, until the first has closed or its session has ended", async () => {
  const first = await openTokenLinks();
  await openTokenLinks();
  await until(
    () => failures.length === 2,
    () => "two refusals",
  );
  expect(failures).toEqual(["amqp:not-allowed", "amqp:not-allowed"]);
  first.session.close();
  await once(first.session, "session_close");
  await putToken();
  expect(failures).toHaveLength(2);
});

test.each([
  ["orders/ConsumerGroups/$Default/Partitions/0", "amqp:not-allowed"],
  ["", "amqp:not-found"],
  ["a/b/c", "amqp:not-found"],
  ["elsewhere", "amqp:not-found"],
])("nobody can send to %j: %s", async (address, condition) => {
  await putToken();
  connection.open_sender({ target: { address } });
  await until(
    () => failures.length === 1,
    () => "a refusal",
  );
  expect(failures).toEqual([condition]);
});

describe("a transfer", () => {
  let sender: Sender;

  beforeEach(async () => {
    await putToken();
    sender = connection.open_sender({ target: { address: "orders" } });
    await once(sender, "sendable");
  });

  test("can be a plain message or a batch", async () => {
    const message = encoded({ body: rhea.message.data_section(Buffer.from("plain")) });
    expect(await outcomeOf(sender, message, 0)).toBe("accepted");
    expect(await outcomeOf(sender, encoded({ body: rhea.message.data_sections([message, message]) }), BATCH)).toBe("accepted");
    await using producer = rawProducer(emulator, "orders");
    expect((await producer.getPartitionProperties("0")).lastEnqueuedSequenceNumber).toBe(2);
  });

  test.each([
    ["a batch whose body is a value", encoded({ body: "value" }), BATCH, "amqp:not-allowed"],
    ["a batch of what is no message", encoded({ body: rhea.message.data_sections([Buffer.from("x")]) }), BATCH, "amqp:decode-error"],
    ["bytes that are no message", Buffer.from([0x00, 0x53, 0x75, 0xa0, 0x09, 0x01]), 0, "amqp:decode-error"],
    ["a section that no message has", Buffer.from([0x00, 0x53, 0x10, 0x45]), 0, "amqp:decode-error"],
    ["a type that does not exist", Buffer.from([0x00, 0x53, 0x75, 0x1f]), 0, "amqp:decode-error"],
  ])("that is %s is refused, and the link goes on", async (_, payload, format, condition) => {
    expect(await outcomeOf(sender, payload, format)).toBe(condition);
    expect(await outcomeOf(sender, encoded({ body: rhea.message.data_section(Buffer.from("good")) }), 0)).toBe("accepted");
    await using producer = rawProducer(emulator, "orders");
    expect((await producer.getPartitionProperties("0")).lastEnqueuedSequenceNumber).toBe(0);
  });
});

test("a reader gets as many events as it gave credit for, and its credit back when it drains", async () => {
  await putToken();
  await using producer = rawProducer(emulator, "orders");
  await producer.sendBatch(Array.from({ length: 10 }, (_, count) => ({ body: Buffer.from(String(count)) })));
  const receiver = connection.open_receiver({ source: { address: "orders/ConsumerGroups/$Default/Partitions/0" }, credit_window: 0 });
  let received = 0;
  receiver.on("message", () => (received += 1));
  await once(receiver, "receiver_open");
  receiver.add_credit(3);
  await until(
    () => received === 3,
    () => `three events; there are ${received}`,
  );
  receiver.add_credit(20);
  await until(
    () => received === 10,
    () => `ten events; there are ${received}`,
  );
  receiver.drain_credit();
  await once(receiver, "receiver_drained");
  receiver.drain = false;
  await producer.sendBatch([{ body: Buffer.from("late") }, { body: Buffer.from("later") }]);
  receiver.add_credit(1);
  await until(
    () => received === 11,
    () => `the eleventh; there are ${received}`,
  );
});

test.each([
  ["garbage", Buffer.from("\u0000\u0001garbage")],
  ["a header of another protocol", Buffer.from("AMQP\u0000\u0000\u0009\u0001")],
  ["a TLS handshake without a certificate here", Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5])],
  ["a frame that is none", Buffer.concat([Buffer.from("AMQP\u0000\u0001\u0000\u0000"), Buffer.from("0000000801020304", "hex")])],
])("%s ends its connection only", async (_, bytes) => {
  const socket = connectSocket(Number(new URL(emulator.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  socket.end(bytes);
  await once(socket, "close");
  await putToken();
});
