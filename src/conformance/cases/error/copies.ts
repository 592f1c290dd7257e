import type { Failure } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { Member } from "../../member.ts";
import { plainText } from "../../plain-codecs.ts";
import { ErrorOfAnotherCopy, isRecognisedElsewhere } from "../../support/error-of-another-copy.ts";

async function thrownBy(context: CaseContext, call: () => Promise<unknown>): Promise<unknown> {
  try {
    await context.within(call(), "a refusal");
  } catch (error) {
    return error;
  }
  return null;
}

const oursElsewhere = defineCase({
  name: "error/copies/recognised-by-another-copy",
  promise: 12,
  mutant: "errors-without-the-mark",
  run: async (context) => {
    const topic = await context.topic();
    const missing = context.connection.topic(context.unusedName(), { codec: plainText });
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      send: async () => missing.producer({ deliveryTimeoutMs: context.deadline.longEnough(5_000, 4) }).send({ key: "one", value: "x" }),
      "send of a bad message": async () => missing.producer().send({ key: "", value: "x" }),
      read: async () => missing.reader({ until: "now" })[Symbol.asyncIterator]().next(),
      describe: async () => context.connection.admin.describeTopic(context.unusedName()),
      run: async () =>
        context.connection
          .topic(topic.name, { codec: plainText })
          .consumer({ group: "" })
          .run(() => undefined),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await thrownBy(context, call);
      expectTrue(isRecognisedElsewhere(error), `the error of ${name} is recognised by another copy of the package: ${showError(error)}`);
      expectTrue(isStreamError(error), `the error of ${name} is recognised by this copy`);
    }
  },
});

const theirsHere = defineCase({
  name: "error/copies/of-another-copy",
  promise: 12,
  mutant: "wraps-errors-of-another-copy",
  run: async (context) => {
    const topic = await context.topic();
    const codec = {
      encode: (value: string): Uint8Array => {
        if (value === "refused") throw new ErrorOfAnotherCopy("too-large", "an error from a codec of another copy");
        return Buffer.from(value);
      },
      decode: (stored: Uint8Array): string => {
        if (Buffer.from(stored).toString() === "corrupt") throw new ErrorOfAnotherCopy("corrupt", "an error from a codec of another copy");
        return Buffer.from(stored).toString();
      },
    };
    const stream = context.connection.topic(topic.name, { codec });
    const producer = stream.producer();
    const refused = await thrownBy(context, async () => producer.send({ key: "one", value: "refused" }));
    expectTrue(isStreamError(refused, "too-large"), `an error of another copy keeps its code: ${showError(refused)}`);
    for (const value of ["corrupt", "poison", "last"]) await context.within(producer.send({ key: "one", value }), "a send");
    const failures: Failure[] = [];
    const poison = new ErrorOfAnotherCopy("conflict", "an error from another copy, thrown by a handler");
    let handled = 0;
    const options = {
      group: await context.group(topic),
      initialPosition: topic.start,
      retry: { maxAttempts: 1 },
      onFailure: (failure: Failure) => {
        failures.push(failure);
        return "skip" as const;
      },
    };
    context.watch(
      Member.start(context.deadline, stream, options, ({ value }) => {
        if (value === "poison") throw poison;
        handled += 1;
        context.deadline.notify();
      }),
    );
    await context.until(() => handled === 1, "the message behind the failed ones to be handled");
    expectEqual(failures.map(({ error }) => error.code).join(), "corrupt,handler-failed", "the codes of the two failures");
    expectTrue(failures[1]?.error.cause === poison, "the error that a handler threw is the cause, from whichever copy it is");
  },
});

export const errorCopiesCases = [oursElsewhere, theirsHere];
