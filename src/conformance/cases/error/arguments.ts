import { expectEqual, expectRejection } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

/** An option that plain JavaScript could pass, unseen by the compiler. */
const SURPRISE: object = { surprise: 1 };

const beforeAnyCall = defineCase({
  name: "error/arguments/unknown-options",
  promise: 11,
  mutant: "ignores-unknown-options",
  run: async (context) => {
    // The topic does not exist: a call that asks the provider first is refused with another error.
    const stream = context.connection.topic(context.unusedName(), { codec: plainText });
    const producer = stream.producer();
    const consume = async (options: object): Promise<unknown> => stream.consumer({ group: "any", ...options }).run(() => undefined);
    const read = async (options: object): Promise<unknown> => {
      const iterator = stream.reader(options)[Symbol.asyncIterator]();
      return iterator.next();
    };
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      "of a topic": async () => context.connection.topic("any", { codec: plainText, ...SURPRISE }),
      "of a producer": async () => stream.producer({ ...SURPRISE }).send({ key: "one", value: "x" }),
      "of its retries": async () => stream.producer({ retry: { ...SURPRISE } }).send({ key: "one", value: "x" }),
      "of a call": async () => producer.send({ key: "one", value: "x" }, { ...SURPRISE }),
      "of a consumer": async () => consume(SURPRISE),
      "of its retries, too": async () => consume({ retry: { surprise: 1 } }),
      "of its commits": async () => consume({ commit: { surprise: 1 } }),
      "of its batches": async () => consume({ batch: { surprise: 1 } }),
      "of its failure action": async () => consume({ onFailure: { surprise: 1 } }),
      "of a reader": async () => read(SURPRISE),
      "of its start": async () => read({ from: { surprise: 1 } }),
      "of its end": async () => read({ until: { surprise: 1 } }),
      "of a description": async () => context.admin.describeTopic("any", { ...SURPRISE }),
    };
    for (const [whose, call] of Object.entries(calls)) {
      await expectRejection(async () => context.within(call(), "a refusal"), "invalid-argument", `an unknown option ${whose}`);
    }
  },
});

const badArguments = defineCase({
  name: "error/arguments/bad-arguments",
  promise: 12,
  mutant: "takes-bad-arguments",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    // As plain JavaScript could, unseen by the compiler.
    const loosely = (value: object): never => value as never;
    const calls: Record<string, () => unknown> = {
      "a key that stands for no bytes": async () => producer.send({ key: "\ud800", value: "x" }),
      "no key at all": async () => producer.send({ value: "x" }),
      "a key that is a number": async () => producer.send(loosely({ key: 1, value: "x" })),
      "a header that is a number": async () => producer.send(loosely({ key: "one", value: "x", headers: { count: 1 } })),
      "an unknown producer option": () => stream.producer(loosely({ linger: 5 })),
      "a negative duration": () => stream.producer({ lingerMs: -1 }),
      "an unknown consumer option": async () => stream.consumer(loosely({ group: "g", concurency: 2 })).run(() => undefined),
      "no group": async () => stream.consumer(loosely({})).run(() => undefined),
      "a concurrency of 0": async () => stream.consumer({ group: "g", concurrency: 0 }).run(() => undefined),
      "an unknown reader option": async () =>
        stream
          .reader(loosely({ form: "earliest" }))
          [Symbol.asyncIterator]()
          .next(),
      "two starts at once": async () =>
        stream
          .reader({ from: loosely({ timestamp: 1, bookmark: "b" }) })
          [Symbol.asyncIterator]()
          .next(),
      "a time that is not a number": async () =>
        stream
          .reader({ from: { timestamp: Number.NaN } })
          [Symbol.asyncIterator]()
          .next(),
    };
    for (const [what, call] of Object.entries(calls)) {
      await expectRejection(async () => context.within(Promise.resolve().then(call), `${what} to be refused`), "invalid-argument", what);
    }
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.length, 0, "messages stored by refused calls");
  },
});

export const errorArgumentsCases = [beforeAnyCall, badArguments];
