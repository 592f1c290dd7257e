import { expect, test } from "vitest";
import { memory } from "../../../adapters/memory/index.ts";
import { type Codec, type Producer, type StreamError, bytes, connect, json, text } from "../../../src/index.ts";

/** Runs against a topic of its own. What is refused here is the caller's fault: no error names the provider as the cause. */
async function withProducer<T>(codec: Codec<T>, use: (producer: Producer<T>) => Promise<void>): Promise<void> {
  const connection = await connect(memory({ topics: { orders: {} } }));
  await use(connection.topic("orders", { codec, key: () => "k" }).producer());
  await connection.close();
}

const failing = (name: string): object =>
  Object.defineProperty({}, name, {
    get: () => {
      throw new Error("thrown by a getter");
    },
  });

test("a message that cannot be read, or whose codec returns nonsense, is invalid-argument with the cause", async () => {
  await withProducer(text(), async (producer) => {
    await expect(producer.send(failing("value") as never)).rejects.toMatchObject({
      code: "invalid-argument",
      cause: { message: "thrown by a getter" },
    });
  });
  const nonsense = { encode: () => failing("then") as never, decode: () => "" };
  await withProducer<string>(nonsense, async (producer) => {
    await expect(producer.send({ value: "x" })).rejects.toMatchObject({
      code: "invalid-argument",
      cause: { message: "thrown by a getter" },
    });
  });
});

test("the error of a stream's own source is the cause of a coded one", async () => {
  await withProducer(text(), async (producer) => {
    const source = function* () {
      yield { value: "a" };
      throw new TypeError("the file is gone");
    };
    await expect(producer.sendStream(source())).rejects.toMatchObject({ code: "invalid-argument", cause: { message: "the file is gone" } });
  });
});

test.each([new Map([["a", "b"]]), new Headers({ a: "b" }), [], "a=b", 7])(
  "headers that are no plain object are refused: %s",
  async (headers) => {
    await withProducer(text(), async (producer) => {
      await expect(producer.send({ value: "x", headers: headers as never })).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringContaining("plain object of strings"),
      });
    });
  },
);

test.each([new Map([[1, 2]]), new Set([1]), /x/, new Error("x"), Promise.resolve(1), { deep: [new Map()] }])(
  "JSON that would lose its content is refused",
  async (value) => {
    await withProducer(json<unknown>(), async (producer) => {
      await expect(producer.send({ value })).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(/JSON cannot hold a .*; allowed are/),
      });
      await expect(producer.send({ value: { empty: {} } })).resolves.toMatchObject({ partition: expect.any(String) });
    });
  },
);

test("no name of a property that may be data is shown", async () => {
  await withProducer(json<unknown>(), async (producer) => {
    const value = { totals: { "s3cr3t@example.com": Number.NaN } };
    await expect(producer.send({ value })).rejects.toMatchObject({ message: expect.stringMatching(/NaN \(at totals\[…\]\)/) });
  });
});

test("bytes whose buffer was transferred are refused, not sent as an empty value", async () => {
  await withProducer(bytes(), async (producer) => {
    const value = new Uint8Array(4);
    structuredClone(value.buffer, { transfer: [value.buffer] });
    await expect(producer.send({ value })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("transferred"),
    });
    await expect(producer.send({ value: new Uint8Array(0) })).resolves.toBeDefined();
  });
});

test("a batch that is refused as a whole has that error for each message; a time that no Date can hold and an invalid key are refused", async () => {
  await withProducer(text(), async (producer) => {
    expect(() => producer.releaseKey(null as unknown as string)).toThrowError(expect.objectContaining({ code: "invalid-argument" }));
    await expect(producer.send({ value: "x", producedAt: 1e300 })).rejects.toMatchObject({ code: "invalid-argument" });
    await producer.close({ timeoutMs: -1 });
    const error: StreamError = await producer.sendBatch([{ value: "a" }, { value: "b" }]).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.code).toBe("closed");
    expect(error.batch?.receipts).toEqual([null, null]);
    expect(error.batch?.failures.map((failure) => [failure.index, failure.error.code])).toEqual([
      [0, "closed"],
      [1, "closed"],
    ]);
  });
});
