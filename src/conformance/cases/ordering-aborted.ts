import { isStreamError } from "../../errors.ts";
import { expectEqual, expectTrue, showError } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { plainText } from "../plain-codecs.ts";
import { readAll } from "../stream-steps.ts";

/** The provider takes so long over a call. */
const STALL_MS = 1_000;

const blocksNothing = defineCase({
  name: "ordering/publish/aborted-blocks-nothing",
  promise: 2,
  mutant: "abort-blocks-the-key",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer({ onKeyFailure: "hold" });
    const send = async (value: string): Promise<unknown> => producer.send({ key: "one", value });
    await context.within(send("first"), "a first send");
    const reason = new Error("changed my mind");
    const expected = ["first"];
    let error: unknown = null;
    // On a busy machine a call takes its time to leave: what was aborted before that, or was stored, is tried again, and given longer.
    for (let pauseMs = 20; !isStreamError(error) && pauseMs < STALL_MS; pauseMs *= 2) {
      context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS });
      const controller = new AbortController();
      const aborted = producer.send({ key: "one", value: "aborted" }, { signal: controller.signal }).catch((thrown: unknown) => thrown);
      const behind = [`beside-${pauseMs}`].map(send);
      await context.deadline.pause(pauseMs, "the call to leave");
      behind.push(...[`behind-${pauseMs}`, `last-${pauseMs}`].map(send));
      expected.push(`beside-${pauseMs}`, `behind-${pauseMs}`, `last-${pauseMs}`);
      for (const one of behind) void context.later(one);
      controller.abort(reason);
      error = await context.within(aborted, "a send that is aborted in flight to reject");
      for (const one of behind) await context.within(one, "what is behind an aborted message of its key to be stored");
    }
    expectTrue(isStreamError(error, "outcome-unknown"), `a send aborted in flight is outcome-unknown, not ${showError(error)}`);
    await context.within(send("after"), "a later send of the key, which is not held");
    const stored = (await readAll(context, stream, { from: topic.start, until: "now" })).map(({ value }) => value);
    // A call of unknown outcome may be stored twice: first occurrences are in order.
    const first = [...new Set(stored)].filter((value) => value !== "aborted");
    expectEqual(first.join(), [...expected, "after"].join(), "what is behind an aborted message of its key is stored, in order");
  },
});

export const orderingAbortedCases = [blocksNothing];
