import type { Fault, FaultKind } from "../../../driver/fault.ts";
import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

interface ReaderFault {
  readonly name: string;
  readonly mutant: string;
  readonly fault: FaultKind;
  readonly exclusive?: boolean;
}

const KEYS = keyNames(12);

const STALL_MS = 80;

/** A fault occurs while a reader follows a topic: the reader continues at its place, skips nothing and hands nothing out twice. */
function readerWithFault({ name, mutant, fault, exclusive = false }: ReaderFault): DefinedCase {
  return defineCase({
    name: `replay/fault/${name}`,
    promise: 8,
    mutant,
    faults: [fault],
    exclusive,
    run: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      await publish(context, history, topic, KEYS, 2);
      const injected: Fault = { kind: fault, topic: topic.name, times: fault === "restart" ? 1 : 2, durationMs: STALL_MS };
      const reader = sequencedTopic(await context.connect(), topic).reader({ from: topic.start });
      await context.within(reader.bookmark(), "a reader to open");
      // The reader is alone, so its first fetches meet the fault.
      await context.inject(injected);
      let failure: unknown = null;
      const reading = async (): Promise<void> => {
        for await (const message of reader) history.receive(message, "reader");
      };
      const running = context.later(
        reading().catch((error: unknown) => {
          failure = error;
        }),
      );
      const untilRead = async (): Promise<void> =>
        context.until(
          () => failure !== null || history.distinct === history.sent.length,
          () => `a reader to go on: ${history.distinct} of ${history.sent.length} messages`,
        );
      await untilRead();
      // And again while it follows, and a producer sends.
      await context.inject(injected);
      await publish(context, history, topic, KEYS, 2);
      await untilRead();
      expectTrue(failure === null, `a reader survives this fault, but ended with ${showError(failure)}`);
      await context.within(reader.close(), "a reader to close while it waits");
      await context.within(running, "the iteration to end when its reader is closed");
      checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
      // Messages that the producer retried may be stored twice; a reader hands out each position once.
      const places = new Set(history.received.map(({ partition, position }) => `${partition} ${position}`));
      expectEqual(places.size, history.received.length, "positions that a reader handed out, each once");
    },
  });
}

const notPermitted = defineCase({
  name: "replay/fault/not-permitted",
  promise: 12,
  mutant: "readers-swallow-refusals",
  faults: ["refuse-authorization"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, KEYS, 2);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    await context.within(reader.bookmark(), "a reader to open");
    await context.inject({ kind: "refuse-authorization", topic: topic.name });
    let error: unknown = null;
    const reading = async (): Promise<void> => {
      for await (const message of reader) expectEqual(message.topic, topic.name, "the topic of a message");
    };
    await context.within(
      reading().catch((thrown: unknown) => {
        error = thrown;
      }),
      "a reader that is not permitted to be refused",
    );
    expectTrue(
      isStreamError(error, "permission-denied", "unauthenticated"),
      `a reader without permission fails as permission-denied, not ${error === null ? "as if the range had ended" : `as ${showError(error)}`}`,
    );
    expectEqual(error.retryable, false, "a missing permission is not retryable");
    expectEqual(error.topic, topic.name, "the error names the topic as the application calls it");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const replayFaultCases = [
  readerWithFault({ name: "disconnected", mutant: "skips-what-follows-a-retry", fault: "disconnect" }),
  readerWithFault({ name: "expired-cursor", mutant: "skips-what-follows-a-retry", fault: "expire-cursor" }),
  readerWithFault({ name: "stalled", mutant: "drops-what-comes-late", fault: "stall" }),
  readerWithFault({ name: "restarted", mutant: "skips-what-follows-a-retry", fault: "restart", exclusive: true }),
  notPermitted,
];
