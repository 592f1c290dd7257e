import { OpenConnection } from "../../connection.ts";
import type { ConnectionInspection } from "../../connection-inspection.ts";
import type { Connection, Health } from "../../connection-types.ts";
import type { ReachedPart } from "../../driver/provider-driver.ts";
import type { Message } from "../../message.ts";
import type { From } from "../../position/range-types.ts";
import { counted, durationText } from "../output/duration-text.ts";
import { nativeGroupText } from "../output/group-text.ts";
import { bytesTopic } from "../process/with-connection.ts";
import { whenAborted } from "../process/interruption.ts";
import { examinePermissions } from "./examine-permissions.ts";
import { CHECK_MS, type Finding, attempt, attemptAll, doubtful, failed, isNotFound, noAnswer, notTried, ok } from "./finding.ts";

type PlainMessage = Message<Uint8Array | null>;

/** A smaller difference between clocks is not reported. */
const CLOCK_TOLERANCE_MS = 5_000;

/** Where a member has died, it is waited for until its session is over. */
const GROUP_CHECK_MS = 60_000;

interface Subject {
  readonly topic: string | undefined;
  readonly group: string | undefined;
}

/** An admin whose calls check their capability at run time only: a missing one becomes a finding. */
type AnyAdmin = Connection<"topicListing" | "groupAdmin" | "lagInMessages">["admin"];

/**
 * Tries, one after the other, every operation that leaves nothing behind and disturbs no other client. Where the provider cannot be
 * reached, it tries nothing more.
 */
export async function* examine(connection: Connection, { topic, group }: Subject): AsyncGenerator<Finding, void, void> {
  const inspection = OpenConnection.inspectionOf(connection);
  // A retry would hide what fails, and delay it.
  inspection.tryOnce();
  const { error, latencyMs } = await reach(connection);
  if (error !== null) {
    yield failed("reach", error);
    yield notTried("operations", "nothing more can be tried before the provider answers");
    return;
  }
  yield ok("reach", `${connection.provider} answers and accepts the connection, after ${latencyMs.toFixed(0)} ms`);
  yield* await attemptAll("reach", async (signal) => ((await inspection.reach(signal)) ?? []).map(partFound));
  const admin = connection.admin as AnyAdmin;
  yield await attempt("list topics", async (signal) => counted((await admin.listTopics({ signal })).length, "topic"));
  if (topic === undefined) {
    yield notTried("topic", "no topic was named", "--topic NAME tries to describe and to read it, and asks what is permitted.");
    return;
  }
  const described = await attempt("describe topic", async (signal) =>
    counted((await admin.describeTopic(topic, { signal })).partitions.length, "partition"),
  );
  yield described;
  if (isNotFound(described)) {
    yield notTried("operations", "nothing more can be tried before the topic exists");
    return;
  }
  yield* examineTopic(connection, topic);
  yield await attempt("list groups", (signal) => examineGroups(inspection, topic, group, signal));
  if (group === undefined) yield notTried("group", "no group was named", "--group NAME looks at it, and asks what is permitted.");
  else yield* examineGroup(admin, topic, group);
  yield* await examinePermissions(inspection, topic, group);
}

function partFound({ name, error, advice }: ReachedPart): Finding {
  if (error === null) return ok("reach", `${name} answers`);
  const finding = failed("reach", error);
  return { ...finding, detail: `${name}: ${finding.detail}`, advice: advice ?? finding.advice };
}

async function reach(connection: Connection): Promise<Health> {
  const startedAtMs = performance.now();
  const signal = AbortSignal.timeout(CHECK_MS);
  try {
    return await connection.check({ signal });
  } catch {
    // Only the signal makes `check` reject: every other failure is in its answer.
    return { ok: false, latencyMs: performance.now() - startedAtMs, error: noAnswer() };
  }
}

async function* examineTopic(connection: Connection, topic: string): AsyncGenerator<Finding, void, void> {
  const reading = await attempt("read", async (signal) => {
    const first = await firstMessage(connection, topic, "earliest", signal);
    return first === null ? "nothing is stored, so that no message could be tried" : "the oldest message can be read";
  });
  yield reading;
  if (reading.result !== "ok") yield notTried("clock", "the topic cannot be read");
  else if (!connection.capabilities.startAtTimestamp) yield notTried("clock", `${connection.provider} does not show its time`);
  else yield await attempt("clock", (signal) => examineClock(connection, topic, signal));
}

/** Doubtful where a group of another client has the requested name: a consumer of that name would start a new group beside it. */
async function examineGroups(
  inspection: ConnectionInspection,
  topic: string,
  group: string | undefined,
  signal: AbortSignal,
): Promise<Finding | string> {
  const { names, natives } = await inspection.listedGroups(topic, { signal });
  const found = counted(names.length, "group");
  if (natives.length === 0) return found;
  const others = `${found}; native ones that can be used when they are mapped by \`groups\`: ${natives.map((native) => JSON.stringify(native)).join(", ")}`;
  if (group === undefined || !natives.includes(group)) return others;
  return doubtful("list groups", others, nativeGroupText(group, names.includes(group)));
}

async function* examineGroup(admin: AnyAdmin, topic: string, group: string): AsyncGenerator<Finding, void, void> {
  const describe = async (signal: AbortSignal): Promise<string> => {
    const { members } = await admin.describeGroup(topic, group, { signal });
    return members === null ? "it exists" : counted(members, "member");
  };
  const described = await attempt("describe group", describe, GROUP_CHECK_MS);
  yield described;
  if (isNotFound(described)) {
    yield notTried("lag", "a group that does not exist has no lag");
    return;
  }
  yield await attempt("lag", async (signal) => {
    const { messages, timeMs } = await admin.lag(topic, group, { signal });
    return [messages === null ? "" : counted(messages, "message"), timeMs === null ? "" : durationText(timeMs)].filter(Boolean).join(", ");
  });
}

/** No service shows its clock, but a message from the future shows that one of the clocks is wrong. */
async function examineClock(connection: Connection, topic: string, signal: AbortSignal): Promise<Finding | string> {
  const nowMs = Date.now();
  const early = await firstMessage(connection, topic, { timestamp: nowMs + CLOCK_TOLERANCE_MS }, signal);
  if (early === null) return "no message of the topic is from the future; the provider does not show its clock itself";
  return doubtful(
    "clock",
    `a message of the topic is from the future, by ${durationText(early.timestamp.getTime() - nowMs)}`,
    "This clock is behind, the clock of the provider or of a producer is ahead, or the producer sets such times on purpose: compare the clocks (NTP).",
  );
}

/** The first message, or `null`. Opens the range as every reader does, and reads no further. */
async function firstMessage(connection: Connection, topic: string, from: From, signal: AbortSignal): Promise<PlainMessage | null> {
  const reader = bytesTopic(connection, topic).reader({ from, until: "now", batch: { maxMessages: 1 } });
  whenAborted(signal, () => void reader.close());
  for await (const message of reader) return message;
  signal.throwIfAborted();
  return null;
}
