import type { Connection, Health } from "../../connection-types.ts";
import { StreamError, isStreamError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import type { From } from "../../replay/reader-types.ts";
import { counted } from "../output/counted.ts";
import { durationText } from "../output/duration-text.ts";
import { plainTopic } from "../process/plain-topic.ts";
import { whenAborted } from "../process/when-aborted.ts";
import { type Finding, doubtful, failed, notTried, ok } from "./finding.ts";

type PlainMessage = Message<Uint8Array | null>;

/** How long each check may take. */
const CHECK_MS = 20_000;
/** Clocks that differ by less trouble nobody. */
const CLOCK_TOLERANCE_MS = 5_000;

interface Subject {
  readonly topic: string | undefined;
  readonly group: string | undefined;
}

/** Every capability that may be missing is asked for at run time, and then says so. */
type AnyAdmin = Connection<"groupAdmin" | "lagInMessages">["admin"];

/**
 * Tries every operation that leaves nothing behind and disturbs nobody, one after the other. After the provider could not be
 * reached nothing more is tried.
 */
export async function* examine(connection: Connection, { topic, group }: Subject): AsyncGenerator<Finding, void, void> {
  const { error, latencyMs } = await reach(connection);
  if (error !== null) {
    yield failed("reach", error);
    yield notTried("operations", "nothing more can be tried before the provider answers");
    return;
  }
  yield ok("reach", `${connection.provider} answers and lets us in, after ${latencyMs.toFixed(0)} ms`);
  const admin = connection.admin as AnyAdmin;
  yield await attempt("list topics", async (signal) => counted((await admin.listTopics({ signal })).length, "topic"));
  if (topic === undefined) yield notTried("topic", "no topic was named", "--topic NAME tries to describe and to read it.");
  else yield* examineTopic(connection, topic);
  if (topic !== undefined && group !== undefined) yield* examineGroup(admin, topic, group);
  else yield notTried("group", "no group was named", "--topic NAME --group NAME looks at it.");
  yield notTried("send", "would store a message", "To try it: echo test | streamport produce --topic NAME --lines");
  yield notTried(
    "consume",
    "would take partitions from other members",
    "To try it: streamport consume --topic NAME --group NEW-NAME --max 1",
  );
}

async function reach(connection: Connection): Promise<Health> {
  const startedAtMs = performance.now();
  const signal = AbortSignal.timeout(CHECK_MS);
  try {
    return await connection.check({ signal });
  } catch {
    // By the signal only: everything else is told.
    return { ok: false, latencyMs: performance.now() - startedAtMs, error: noAnswer() };
  }
}

async function* examineTopic(connection: Connection, topic: string): AsyncGenerator<Finding, void, void> {
  const { admin } = connection;
  yield await attempt("describe topic", async (signal) =>
    counted((await admin.describeTopic(topic, { signal })).partitions.length, "partition"),
  );
  const reading = await attempt("read", async (signal) => {
    const first = await firstMessage(connection, topic, "earliest", signal);
    return first === null ? "nothing is stored, so that no message could be tried" : "the oldest message can be read";
  });
  yield reading;
  if (reading.result !== "ok") yield notTried("clock", "the topic cannot be read");
  else if (!connection.capabilities.startAtTimestamp) yield notTried("clock", `${connection.provider} does not tell its time`);
  else yield await attempt("clock", (signal) => examineClock(connection, topic, signal));
  yield await attempt("list groups", async (signal) => counted((await (admin as AnyAdmin).listGroups(topic, { signal })).length, "group"));
}

async function* examineGroup(admin: AnyAdmin, topic: string, group: string): AsyncGenerator<Finding, void, void> {
  yield await attempt("describe group", async (signal) => {
    const { members } = await admin.describeGroup(topic, group, { signal });
    return members === null ? "it exists" : counted(members, "member");
  });
  yield await attempt("lag", async (signal) => {
    const { messages, timeMs } = await admin.lag(topic, group, { signal });
    return [messages === null ? "" : counted(messages, "message"), timeMs === null ? "" : durationText(timeMs)].filter(Boolean).join(", ");
  });
}

/** No service tells its clock, but a message from the future tells that one of the clocks is wrong. */
async function examineClock(connection: Connection, topic: string, signal: AbortSignal): Promise<Finding | string> {
  const nowMs = Date.now();
  const early = await firstMessage(connection, topic, { timestamp: nowMs + CLOCK_TOLERANCE_MS }, signal);
  if (early === null) return "no message of the topic is from the future; more the provider does not tell";
  return doubtful(
    "clock",
    `a message of the topic is from the future, by ${durationText(early.timestamp.getTime() - nowMs)}`,
    "This clock is behind, that of the provider or of a producer is ahead, or the producer means it: compare the clocks (NTP).",
  );
}

/** `null`: there is none. Opens the range as any reader does, and reads no further. */
async function firstMessage(connection: Connection, topic: string, from: From, signal: AbortSignal): Promise<PlainMessage | null> {
  const reader = plainTopic(connection, topic).reader({ from, until: "now", batch: { maxMessages: 1 } });
  whenAborted(signal, () => void reader.close());
  for await (const message of reader) return message;
  signal.throwIfAborted();
  return null;
}

/** @param work tells in words what it has found, or makes the finding itself */
async function attempt(check: string, work: (signal: AbortSignal) => Promise<Finding | string>): Promise<Finding> {
  const signal = AbortSignal.timeout(CHECK_MS);
  try {
    const found = await work(signal);
    return typeof found === "string" ? ok(check, found) : found;
  } catch (error) {
    if (signal.aborted) return failed(check, noAnswer());
    if (isStreamError(error)) return failed(check, error);
    throw error;
  }
}

function noAnswer(): StreamError {
  return new StreamError("timeout", `no answer within ${durationText(CHECK_MS)}`);
}
