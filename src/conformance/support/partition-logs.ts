import type { Message } from "../../message.ts";
import { expectSequence } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import type { History } from "../history/history.ts";
import { type Sequenced, showSequenced } from "../history/sequenced.ts";
import { publish, readAll } from "./stream-steps.ts";

type Log = readonly Message<Sequenced>[];

/**
 * Messages that were read, split into the sequences whose order is promised: by partition, or by key where the provider keeps only
 * the order of a key. Never sorted.
 */
export type Logs = ReadonlyMap<string, Log>;

export function logsOf(context: CaseContext, messages: Log): Logs {
  const byPartition = context.capabilities.orderingUnit === "partition";
  return Map.groupBy(messages, ({ partition, value }) => (byPartition ? partition : value.key));
}

/** A part of each log, chosen by `select`. */
export function selectFrom(logs: Logs, select: (log: Log) => Log): Logs {
  return new Map([...logs].map(([name, log]) => [name, select(log)]));
}

/** From the first message in log order stored at or after this time. */
export function storedFrom(timestampMs: number): (log: Log) => Log {
  return (log) => {
    const first = log.findIndex(({ timestamp }) => timestamp.getTime() >= timestampMs);
    return first === -1 ? [] : log.slice(first);
  };
}

/** The logs hold exactly these messages, each once and in order. */
export function expectLogs(actual: Logs, expected: Logs, promise: string): void {
  const show = (log: Log | undefined): readonly string[] => (log ?? []).map(({ value }) => showSequenced(value));
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    expectSequence(show(actual.get(name)), show(expected.get(name)), `${promise}, of ${name}`);
  }
}

/** The time between two parts. It is long enough for clocks of several brokers, with milliseconds, to distinguish them. */
const APART_MS = 40;

/** Publishes two parts with the same keys. @returns a time after all of the first part and before all of the second, by the clock of the provider */
export async function publishAroundATime(
  context: CaseContext,
  history: History,
  topic: CaseTopic,
  keys: readonly string[],
  rounds: number,
): Promise<number> {
  await publish(context, history, topic, keys, rounds);
  const first = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  const newestMs = Math.max(...first.map(({ timestamp }) => timestamp.getTime()));
  await context.deadline.pause(Math.max(APART_MS, newestMs + APART_MS - Date.now()), "the clock to move on");
  await publish(context, history, topic, keys, rounds);
  return newestMs + 1;
}
