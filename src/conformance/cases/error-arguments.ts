import { expectRejection } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { plainText } from "../plain-codecs.ts";

/** As plain JavaScript would give it, past the compiler. */
const SURPRISE: object = { surprise: 1 };

const beforeAnyCall = defineCase({
  name: "error/arguments/unknown-options",
  promise: 11,
  mutant: "ignores-unknown-options",
  run: async (context) => {
    // The topic does not exist: whoever asks the provider first is told so instead.
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

export const errorArgumentCases = [beforeAnyCall];
