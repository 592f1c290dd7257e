import type { Limits } from "../../../capabilities.ts";
import { type StreamError, isStreamError } from "../../../errors.ts";
import type { OutgoingMessage } from "../../../message.ts";
import type { Topic } from "../../../topic-types.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import type { CaseTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { plainBytes } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

/** The bytes that a provider may add to a message when it counts its size. */
const LARGEST_OVERHEAD_BYTES = 1_024;

type Message = OutgoingMessage<Uint8Array>;

type Send = (message: Message) => Promise<unknown>;

interface Largest {
  readonly amount: number;
  readonly message: Message;
  /** The error for a message that has one more. */
  readonly refusal: StreamError;
}

/** Searches downwards, one by one: every larger message is refused before it is sent. */
async function largestTaken(context: CaseContext, limit: number, messageOf: (amount: number) => Message, send: Send): Promise<Largest> {
  let refusal: StreamError | null = null;
  for (let amount = limit + 1; amount > Math.max(0, limit - LARGEST_OVERHEAD_BYTES); amount -= 1) {
    const message = messageOf(amount);
    try {
      await context.within(send(message), "a message around its limit to be stored or refused");
    } catch (error) {
      if (!isStreamError(error, "too-large")) throw error;
      refusal = error;
      continue;
    }
    if (refusal === null) throw new PromiseViolation(`${amount} were taken, which is one more than the limit of ${limit}`);
    return { amount, message, refusal };
  }
  throw new PromiseViolation(`up to ${LARGEST_OVERHEAD_BYTES} below the limit of ${limit} everything was refused: ${refusal?.message}`);
}

interface ExactLimit {
  readonly name: string;
  readonly mutant?: string;
  /** `undefined`: the limit is not declared, and then much more is taken than any service with such a limit would take. */
  readonly limitOf: (limits: Limits) => number | undefined;
  /** Of a limit that need not be declared. */
  readonly unbounded?: number;
  readonly messageOf: (amount: number, large: Uint8Array, limits: Limits) => Message;
}

/** The declared limit is exact, and the refusal of one more names both figures. */
function exactLimit({ name, mutant = "declares-more-than-it-takes", limitOf, unbounded, messageOf }: ExactLimit): DefinedCase {
  return defineCase({
    name: `limit/exact/${name}`,
    promise: 11,
    mutant,
    run: async (context) => {
      const topic = await context.topic();
      const stream = context.connection.topic(topic.name, { codec: plainBytes });
      const producer = stream.producer();
      const { limits } = await stream.capabilities();
      const declared = limitOf(limits);
      const large = new Uint8Array(limits.messageBytes + 1).fill(0x6b);
      if (declared === undefined) {
        const message = messageOf(unbounded!, large, limits);
        await context.within(producer.send(message), "a message over what others allow");
        await expectStored(context, stream, topic, [message]);
        return;
      }
      // If one part may fill a whole message, the limit of the message applies first.
      const limit = Math.min(declared, limits.messageBytes);
      const largest = await largestTaken(
        context,
        limit,
        (amount) => messageOf(amount, large, limits),
        async (message) => producer.send(message),
      );
      const figures = (largest.refusal.message.match(/\d+/g) ?? []).map(Number);
      for (const figure of [limit, limit + 1]) {
        expectTrue(figures.includes(figure), `the refusal of one more than allowed names ${figure}: ${largest.refusal.message}`);
      }
      // The three need several calls; only the one that is too large fails.
      const batch = [largest.message, messageOf(largest.amount + 1, large, limits), largest.message];
      let failed: readonly number[] = [];
      try {
        await context.within(producer.sendBatch(batch), "a batch around the limit to settle");
      } catch (error) {
        if (!isStreamError(error, "too-large")) throw error;
        failed = error.batch?.failures.map(({ index }) => index) ?? [];
      }
      expectEqual(failed.join(), "1", "which of three messages is over the limit");
      await expectStored(context, stream, topic, [largest.message, largest.message, largest.message]);
    },
  });
}

async function expectStored(
  context: CaseContext,
  stream: Topic<Uint8Array>,
  topic: CaseTopic,
  expected: readonly Message[],
): Promise<void> {
  const stored = await readAll(context, stream, { from: topic.start, until: "now" });
  expectEqual(stored.length, expected.length, "messages that are stored");
  for (const [index, { value, key, headers }] of stored.entries()) {
    const message = expected[index]!;
    expectEqual(value.length, message.value.length, "bytes of the value that are read back");
    expectEqual(key, message.key ?? null, "the key that is read back");
    const wanted = Object.entries(message.headers ?? {});
    expectEqual(Object.keys(headers).length, wanted.length, "how many headers are read back");
    for (const [name, text] of wanted) expectTrue(headers[name] === text, `the header ${name.slice(0, 20)} is read back`);
  }
}

/** Headers of so many bytes, names included: one, or as many as the limits of names and values make necessary. */
function headersOf(bytes: number, { headerNameBytes = 16, headerValueBytes = Infinity }: Limits): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (let left = bytes, index = 0; left > 0; index += 1) {
    const nameLength = Math.min(headerNameBytes, left);
    const valueLength = Math.min(headerValueBytes, left - nameLength);
    headers[`header-${index}-`.padEnd(nameLength, "n").slice(0, nameLength)] = text(valueLength);
    left -= nameLength + valueLength;
  }
  return headers;
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
    messageOf: (bytes, _, limits) => ({ key: "one", value: Uint8Array.of(1), headers: headersOf(bytes, limits) }),
  }),
  exactLimit({
    name: "header-count",
    mutant: "declares-more-headers-than-it-takes",
    limitOf: ({ headerCount }) => headerCount,
    unbounded: 400,
    messageOf: (count) => {
      const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`header-${index}`, "1"]));
      return { key: "one", value: Uint8Array.of(1), headers };
    },
  }),
  exactLimit({
    name: "header-name-bytes",
    mutant: "declares-more-headers-than-it-takes",
    limitOf: ({ headerNameBytes }) => headerNameBytes,
    unbounded: 1_000,
    messageOf: (bytes) => ({ key: "one", value: Uint8Array.of(1), headers: { [text(bytes)]: "1", beside: "1" } }),
  }),
  exactLimit({
    name: "header-value-bytes",
    mutant: "declares-more-headers-than-it-takes",
    limitOf: ({ headerValueBytes }) => headerValueBytes,
    unbounded: 8_000,
    messageOf: (bytes) => ({ key: "one", value: Uint8Array.of(1), headers: { large: text(bytes), beside: "1" } }),
  }),
];
