import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { LineSender, type NumberedMessage } from "../../../../src/cli/input/line-sender.ts";
import { bytesTopic } from "../../../../src/cli/process/with-connection.ts";
import { type Receipt, StreamError, connect } from "../../../../src/index.ts";

function messages(...lines: readonly number[]): NumberedMessage[] {
  return lines.map((line) => ({ line, message: { key: null, value: Buffer.from(String(line)) } }));
}

const RECEIPT: Receipt = { partition: "0", position: null, timestamp: null };

/** Batches are answered when the test says so. */
class SlowProducer {
  readonly begun: (readonly unknown[])[] = [];
  readonly #answers: PromiseWithResolvers<readonly Receipt[]>[] = [];

  sendBatch(batch: readonly unknown[]): Promise<readonly Receipt[]> {
    this.begun.push(batch);
    const answer = Promise.withResolvers<readonly Receipt[]>();
    this.#answers.push(answer);
    return answer.promise;
  }

  store(index: number): void {
    this.#answers[index]!.resolve(this.begun[index]!.map(() => RECEIPT));
  }

  /** Fails the messages at these places of the batch. */
  fail(index: number, failed: Readonly<Record<number, StreamError>>): void {
    const receipts = this.begun[index]!.map((_, at) => (failed[at] === undefined ? RECEIPT : null));
    const failures = Object.entries(failed).map(([at, error]) => ({ index: Number(at), error }));
    this.#answers[index]!.reject(new StreamError(failures[0]!.error.code, "batch", { batch: { receipts, failures } }));
  }
}

test("a provider that does not answer holds the input back after a few batches", async () => {
  const producer = new SlowProducer();
  const sender = new LineSender(producer);
  let begun = 0;
  const feeding = (async () => {
    for (let line = 1; line <= 20; line += 1) {
      await sender.send(messages(line));
      begun = line;
    }
  })();
  await turn();
  expect(producer.begun).toHaveLength(8);
  expect(begun).toBe(7);
  producer.store(3);
  await turn();
  expect(producer.begun).toHaveLength(9);
  for (let index = 0; index < 20; index += 1) {
    await turn();
    producer.store(index);
  }
  await feeding;
  await sender.settled();
  expect(sender.storedCount).toBe(20);
  expect(sender.failed).toEqual([]);
  expect(sender.failure.aborted).toBe(false);
});

test("of every line it is known whether it is stored, in whatever order the answers come", async () => {
  const producer = new SlowProducer();
  const sender = new LineSender(producer);
  await sender.send(messages(1, 2, 4));
  await sender.send(messages(5, 6));
  await sender.send(messages(7));
  const tooLarge = new StreamError("too-large", "six");
  const unknown = new StreamError("outcome-unknown", "one");
  producer.fail(1, { 1: tooLarge });
  await turn();
  expect(sender.failure.aborted).toBe(true);
  producer.fail(0, { 0: unknown, 2: tooLarge });
  producer.store(2);
  await sender.settled();
  expect(sender.storedCount).toBe(3);
  expect(sender.failed).toEqual([
    { line: 1, error: unknown },
    { line: 4, error: tooLarge },
    { line: 6, error: tooLarge },
  ]);
});

describe("on a real producer", () => {
  test("lines are stored in order, and a message that is too large fails alone", async () => {
    await using connection = await connect("memory:?create=lines");
    const topic = bytesTopic(connection, "lines");
    const sender = new LineSender(topic.producer());
    const large = { key: "k", value: Buffer.alloc(2_000_000) };
    await sender.send([...messages(1, 2), { line: 3, message: large }]);
    await sender.send(messages(4));
    await sender.settled();
    expect(sender.storedCount).toBe(3);
    expect(sender.failed).toEqual([{ line: 3, error: expect.objectContaining({ code: "too-large" }) }]);
  });

  test("a topic that is missing fails every line", async () => {
    await using connection = await connect("memory:");
    const sender = new LineSender(bytesTopic(connection, "missing").producer());
    await sender.send(messages(1, 2));
    await sender.settled();
    expect(sender.storedCount).toBe(0);
    expect(sender.failed.map(({ line, error }) => [line, error.code])).toEqual([
      [1, "not-found"],
      [2, "not-found"],
    ]);
  });
});
