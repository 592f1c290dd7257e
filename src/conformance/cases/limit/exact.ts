import type { Limits } from "../../../capabilities.ts";
import { type StreamError, isStreamError } from "../../../errors.ts";
import type { OutgoingMessage } from "../../../message.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { plainBytes } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

/** The bytes that a provider may add to a message when it counts its size. */
const LARGEST_OVERHEAD_BYTES = 1_024;

type Message = OutgoingMessage<Uint8Array>;

type Send = (message: Message) => Promise<unknown>;

interface Largest {
  readonly bytes: number;
  readonly message: Message;
  /** The error for a message that is one byte larger. */
  readonly refusal: StreamError;
}

/** Searches downwards, byte by byte: every larger message is refused before it is sent. */
async function largestTaken(context: CaseContext, limit: number, messageOf: (bytes: number) => Message, send: Send): Promise<Largest> {
  let refusal: StreamError | null = null;
  for (let bytes = limit + 1; bytes > limit - LARGEST_OVERHEAD_BYTES; bytes -= 1) {
    const message = messageOf(bytes);
    try {
      await context.within(send(message), "a message around its limit to be stored or refused");
    } catch (error) {
      if (!isStreamError(error, "too-large")) throw error;
      refusal = error;
      continue;
    }
    if (refusal === null) throw new PromiseViolation(`${bytes} bytes were taken, which is one more than the limit of ${limit}`);
    return { bytes, message, refusal };
  }
  throw new PromiseViolation(
    `up to ${LARGEST_OVERHEAD_BYTES} bytes below the limit of ${limit} everything was refused: ${refusal?.message}`,
  );
}

interface ExactLimit {
  readonly name: string;
  readonly limitOf: (limits: Limits) => number;
  readonly messageOf: (bytes: number, large: Uint8Array) => Message;
}

/** The declared limit is exact to the byte, and the refusal of one byte more names both figures. */
function exactLimit({ name, limitOf, messageOf }: ExactLimit): DefinedCase {
  return defineCase({
    name: `limit/exact/${name}`,
    promise: 11,
    mutant: "declares-more-than-it-takes",
    run: async (context) => {
      const topic = await context.topic();
      const stream = context.connection.topic(topic.name, { codec: plainBytes });
      const producer = stream.producer();
      const { limits } = await stream.capabilities();
      // If one part may fill a whole message, the limit of the message applies first.
      const limit = Math.min(limitOf(limits), limits.messageBytes);
      const large = new Uint8Array(limits.messageBytes + 1).fill(0x6b);
      const largest = await largestTaken(
        context,
        limit,
        (bytes) => messageOf(bytes, large),
        async (message) => producer.send(message),
      );
      const figures = (largest.refusal.message.match(/\d+/g) ?? []).map(Number);
      for (const figure of [limit, limit + 1]) {
        expectTrue(figures.includes(figure), `the refusal of one byte more than allowed names ${figure}: ${largest.refusal.message}`);
      }
      // The three need several calls; only the one that is too large fails.
      const batch = [largest.message, messageOf(largest.bytes + 1, large), largest.message];
      let failed: readonly number[] = [];
      try {
        await context.within(producer.sendBatch(batch), "a batch around the limit to settle");
      } catch (error) {
        if (!isStreamError(error, "too-large")) throw error;
        failed = error.batch?.failures.map(({ index }) => index) ?? [];
      }
      expectEqual(failed.join(), "1", "which of three messages is over the limit");
      const stored = await readAll(context, stream, { from: topic.start, until: "now" });
      expectEqual(stored.length, 3, "messages of exactly the largest size that are stored");
      for (const { value, key, headers } of stored) {
        expectEqual(value.length, largest.message.value.length, "bytes of the value that are read back");
        expectEqual(key, largest.message.key ?? null, "the key that is read back");
        expectEqual(JSON.stringify(headers), JSON.stringify(largest.message.headers ?? {}), "the headers that are read back");
      }
    },
  });
}

function text(length: number): string {
  return "k".repeat(length);
}

export const limitExactCases = [
  exactLimit({
    name: "message-bytes",
    limitOf: ({ messageBytes }) => messageBytes,
    messageOf: (bytes, large) => ({ key: "one", value: large.subarray(0, bytes) }),
  }),
  exactLimit({
    name: "key-bytes",
    limitOf: ({ keyBytes }) => keyBytes,
    messageOf: (bytes) => ({ key: text(bytes), value: Uint8Array.of(1) }),
  }),
  exactLimit({
    name: "header-bytes",
    limitOf: ({ headerBytes }) => headerBytes,
    // The names of headers count too.
    messageOf: (bytes) => ({ key: "one", value: Uint8Array.of(1), headers: { first: "1", second: text(bytes - "first1second".length) } }),
  }),
];
