import type { StreamErrorCode } from "../../../errors.ts";
import type { OutgoingMessage } from "../../../message.ts";
import { expectEqual, expectRejection } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

const reportsStored = defineCase({
  name: "producing/stream/reports-what-is-stored",
  promise: 11,
  mutant: "stream-forgets-what-is-stored",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const tooLong = "x".repeat((await stream.capabilities()).limits.messageBytes + 1);
    const message = (value: string): OutgoingMessage<string> => ({ key: `key-${value.length % 3}`, value });
    const good = (from: string): OutgoingMessage<string>[] => Array.from({ length: 12 }, (_, at) => message(from + "-".repeat(at)));
    const isGone = new Error("the file is gone");
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    const hangs = context.latch();
    const failing: readonly [StreamErrorCode, number, AsyncIterable<OutgoingMessage<string>>][] = [
      ["too-large", 5, sourceOf(good("a").slice(0, 5), async () => message(tooLong), good("b"))],
      ["invalid-argument", 12, sourceOf(good("c"), () => Promise.reject(isGone), [])],
      ["timeout", 12, sourceOf(good("d"), async () => hangs.opened.then(() => message("never")), [])],
    ];
    const expected: string[] = [];
    for (const [code, stored, source] of failing) {
      const sending = context.later(producer.sendStream(source, code === "timeout" ? { signal: controller.signal } : {}));
      if (code === "timeout") {
        await context.deadline.pause(20, "the stream to be pulled");
        await context.within(producer.flush(), "what was pulled to be stored");
        controller.abort(reason);
      }
      const error = await expectRejection(async () => context.within(sending, "a stream to fail"), code, `a stream that ends as ${code}`);
      expectEqual(error.stored, stored, `the error of a stream that ends as ${code} names how many messages from the start are stored`);
      expected.push(
        ...good(code === "too-large" ? "a" : code === "timeout" ? "d" : "c")
          .slice(0, stored)
          .map(({ value }) => value),
      );
    }
    hangs.open();
    const found = new Set((await readAll(context, stream, { from: topic.start, until: "now" })).map(({ value }) => value));
    expectEqual(expected.filter((value) => !found.has(value)).length, 0, "messages that are reported as stored and are not");
  },
});

/** Some messages, then the result of `between`, then more messages. */
async function* sourceOf(
  first: readonly OutgoingMessage<string>[],
  between: () => Promise<OutgoingMessage<string>>,
  last: readonly OutgoingMessage<string>[],
): AsyncGenerator<OutgoingMessage<string>> {
  yield* first;
  yield await between();
  yield* last;
}

export const producingStreamCases = [reportsStored];
