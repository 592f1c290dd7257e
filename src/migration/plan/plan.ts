import { copyGroup, requireTwoTopics } from "../copy/copy-options.ts";
import { TargetWriter } from "../copy/target-writer.ts";
import type { Capabilities, Limits } from "../../capabilities.ts";
import type { StoredRecord } from "../../driver/record.ts";
import { type StreamError, isStreamError } from "../../errors.ts";
import { checkOptions, rules } from "../../option-rules.ts";
import { provenanceWriter } from "../../provenance.ts";
import { RecordReader } from "../../replay/record-reader.ts";
import { sideCall } from "../side-call.ts";
import { groupLag } from "../group-lag.ts";
import { comesFrom } from "../records-from.ts";
import { type OpenSide, type Side, capabilitiesOf, openSide } from "../side.ts";

export interface PlanOptions {
  /** Of the source, as for `copy`. */
  group?: string | undefined;
  /** So many messages are looked at, from the oldest on. @default 10_000 */
  sampleMessages?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface PlanSide {
  readonly provider: string;
  readonly topic: string;
  readonly partitions: number;
  readonly retentionMs: number | null;
  readonly maxMessageBytes: number;
  /** Of the topic, with its limits. */
  readonly capabilities: Capabilities;
  /** What this connection may not do, in the provider's own words; `null` where the provider does not report it. */
  readonly lackingPermissions: readonly string[] | null;
}

/** Something that a copy cannot carry, or that has to be done first. */
export interface PlanFinding {
  /** `certain`: a copy would stop, or lose it. `possible`: nothing of the kind was found among the messages that were looked at. */
  readonly weight: "certain" | "possible";
  readonly what: string;
  readonly proposal: string;
}

/** A group of one side. */
export interface PlanGroup {
  readonly group: string;
  /** Messages that it has not handled; `null` where the provider does not report it. */
  readonly lag: number | null;
}

export interface PlanResult {
  /** Nothing would be lost, and nothing has to be done first, as far as is known. */
  readonly ready: boolean;
  readonly source: PlanSide;
  readonly target: PlanSide;
  readonly group: string;
  /** `null`: the provider does not report how many messages there are. */
  readonly expected: { readonly messages: number | null; readonly bytes: number | null; readonly calls: number | null };
  readonly findings: readonly PlanFinding[];
  /** Those of the source that may have to be translated, without that of the copy; `null`: the provider does not list groups. */
  readonly groups: readonly PlanGroup[] | null;
  /** Those that the target has already; `null`: the provider does not list groups. */
  readonly targetGroups: readonly PlanGroup[] | null;
  /** What nobody looks at here. */
  readonly notChecked: readonly string[];
}

const NOT_CHECKED = [
  "access rules of the topics (ACLs, policies, roles) beside those of this connection",
  "settings of the topics beside partitions and retention (compaction, compression, encryption, tiers)",
  "schema ids within values: consumers must reach the same registry",
  "what producers do with keys: a partitioner of their own puts keys elsewhere than the target does",
] as const;

/** What a source may have and a target may lack, with what to do about it. */
const CARRIED = [
  ["tombstones", "tombstones (values that are null)", "use a topic whose envelope has them, or remove them at the source by compaction"],
  ["binaryKeys", "keys that are empty or not UTF-8", "use a topic whose envelope has them"],
  ["exactHeaders", "headers that repeat, have no value, or are not UTF-8, and their order", "use a topic whose envelope has them"],
] as const;

const LIMITED: Readonly<Record<keyof Limits, string>> = {
  messageBytes: "bytes of a message",
  keyBytes: "bytes of a key",
  headerBytes: "bytes of all headers",
  headerCount: "headers",
  headerNameBytes: "bytes of a header name",
  headerValueBytes: "bytes of a header value",
};

/** Looks at both sides, changes nothing, and tells what a copy would meet. @throws `not-found` · `invalid-argument` · what the drivers throw */
export async function plan(source: Side, target: Side, options: PlanOptions = {}): Promise<PlanResult> {
  checkOptions("plan options", options, { group: rules.nonEmptyString, sampleMessages: rules.positiveInteger, signal: rules.abortSignal });
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const from = await openSide(source, "plan", signal);
  const to = await openSide(target, "plan", signal);
  requireTwoTopics(from.id, to.id, source.topic);
  const group = options.group ?? copyGroup(source.topic, target.topic);
  const sample = await lookAtSample(from, to, options.sampleMessages ?? 10_000, signal);
  const [planned, toSide] = [await describeSide(from, group, signal), await describeSide(to, null, signal)];
  const [groups, targetGroups] = [await groupsOf(from, group, signal), await groupsOf(to, null, signal)];
  const findings = [
    ...sample.findings,
    ...missingCapabilities(planned.capabilities, toSide.capabilities, to.context.provider, sample.refusedCapabilities),
    ...retentionFindings(from, to, [planned, toSide], sample.oldestMs),
    ...growthFindings(from, to),
    ...(await groupFindings(from, group, signal)),
    ...takenNames(groups, targetGroups),
    ...permissionFindings([planned, toSide]),
    ...limitFindings(planned, toSide),
  ];
  const messages = await messagesIn(from, group, signal);
  const bytes = messages === null || sample.messages === 0 ? null : Math.round((messages * sample.bytes) / sample.messages);
  return {
    ready: findings.every(({ weight }) => weight === "possible"),
    source: planned,
    target: toSide,
    group,
    expected: { messages, bytes, calls: messages === null || bytes === null ? null : await callsFor(to, messages, bytes) },
    findings,
    groups,
    targetGroups,
    notChecked: NOT_CHECKED,
  };
}

interface Sample {
  readonly messages: number;
  readonly bytes: number;
  readonly oldestMs: number | null;
  readonly refusedCapabilities: ReadonlySet<string>;
  readonly findings: readonly PlanFinding[];
}

/** Asks the target about messages of the source, as a copy would write them. Writes none. */
async function lookAtSample(from: OpenSide, to: OpenSide, most: number, signal: AbortSignal): Promise<Sample> {
  const writer = new TargetWriter(to);
  const refusals = new Map<string, { count: number; readonly where: string; readonly capability: string | undefined }>();
  const sample = { messages: 0, bytes: 0, oldestMs: null as number | null };
  const look = (partition: string, record: StoredRecord): void => {
    sample.messages += 1;
    sample.bytes += record.bytes;
    sample.oldestMs = Math.min(sample.oldestMs ?? Infinity, Number(record.timestampMs));
    if (comesFrom(to.id, record)) return;
    const provenance = provenanceWriter(from.id, partition)("1", record.timestampMs, record.position);
    const refusal = writer.refusal(writer.outgoing(record, writer.keylessPartition(partition, null), provenance));
    if (refusal === null) return;
    const what = `${refusal.code}: ${refusal.message}`;
    const known = refusals.get(what);
    if (known !== undefined) known.count += 1;
    else refusals.set(what, { count: 1, where: `partition ${partition}, position ${record.position}`, capability: refusal.capability });
  };
  try {
    await writer.prepare(signal);
    const reader = new RecordReader(from.context, { until: "now" });
    for await (const { source, records } of reader.batches(signal)) {
      for (const record of records) if (sample.messages < most) look(source.partition, record);
      if (sample.messages >= most) break;
    }
  } catch (error) {
    if (!isStreamError(error, "unsupported", "permission-denied")) throw error;
    const finding =
      error.code === "unsupported"
        ? certain(error.message, "choose another target topic")
        : notPermitted("messages cannot be looked at", error);
    return { ...sample, refusedCapabilities: new Set(), findings: [finding] };
  } finally {
    await writer.close();
  }
  const findings = [...refusals].map(([what, { count, where }]): PlanFinding => ({
    weight: "certain",
    what: `${count} of the ${sample.messages} messages that were looked at cannot be stored in the target; the first: ${where}: ${what}`,
    proposal: "a copy stops before the first of them: choose another target topic or envelope, or raise its limits",
  }));
  return { ...sample, refusedCapabilities: new Set([...refusals.values()].map(({ capability }) => String(capability))), findings };
}

function certain(what: string, proposal: string): PlanFinding {
  return { weight: "certain", what, proposal };
}

/** The text of the service often names the permission. */
function notPermitted(what: string, { message, cause }: StreamError): PlanFinding {
  const text = cause instanceof Error ? `${message} (${cause.message})` : message;
  return certain(`${what}: ${text}`, "grant what it needs; what a copy would meet is not known before");
}

function missingCapabilities(has: Capabilities, lacks: Capabilities, provider: string, found: ReadonlySet<string>): readonly PlanFinding[] {
  const missing = CARRIED.filter(([capability]) => has[capability] && !lacks[capability] && !found.has(capability)).map(
    ([, what, proposal]): PlanFinding => ({ weight: "possible", what: `the target cannot keep ${what}; none was found`, proposal }),
  );
  if (lacks.producerTimestamps) return missing;
  const what = `${provider} gives messages its own times: those of the source are in the header streamport-source only`;
  return [...missing, { weight: "possible", what, proposal: "readers of the target begin at a position, or at a time of the copy" }];
}

/** What is longer in the source than the target takes. */
function limitFindings(source: PlanSide, target: PlanSide): readonly PlanFinding[] {
  const less = (Object.entries(LIMITED) as [keyof Limits, string][]).flatMap(([limit, what]) => {
    const most = target.capabilities.limits[limit] ?? Infinity;
    const of = source.capabilities.limits[limit] ?? Infinity;
    return most < of ? [`${most.toLocaleString("en")} ${what}${of === Infinity ? "" : ` (not ${of.toLocaleString("en")})`}`] : [];
  });
  if (less.length === 0) return [];
  const what = `${target.provider} takes less of a message than ${source.provider}: at most ${less.join(", ")}`;
  return [{ weight: "possible", what, proposal: "look at more messages (sampleMessages), or make sure that producers write no more" }];
}

/** A target that keeps the times of messages removes at once what is older than its retention. Another one keeps them for a shorter time than the source. */
function retentionFindings(
  from: OpenSide,
  to: OpenSide,
  [source, target]: readonly [PlanSide, PlanSide],
  oldestMs: number | null,
): readonly PlanFinding[] {
  const { retentionMs } = target;
  if (retentionMs === null) return [];
  const proposal = "raise the retention of the target for the time of the migration";
  if (to.context.capabilities.producerTimestamps && oldestMs !== null && oldestMs < Date.now() - retentionMs) {
    const what = `${from.context.topic} has messages that are older than the retention of the target`;
    return [{ weight: "certain", what, proposal }];
  }
  if (source.retentionMs !== null && source.retentionMs <= retentionMs) return [];
  const what = `the target keeps messages for a shorter time than the source: what groups have not handled by then is lost for them`;
  return [{ weight: "possible", what, proposal }];
}

/** Where a partition is chosen by a hash, its number must not change while keys are on their way. */
function growthFindings(...sides: readonly OpenSide[]): readonly PlanFinding[] {
  return sides
    .filter(({ context }) => !context.capabilities.growthKeepsKeyOrder)
    .map(({ context: { provider, topic } }) => ({
      weight: "possible",
      what: `where partitions are added to ${topic} at ${provider}, keys move to others, and messages of a key may pass each other`,
      proposal:
        "add partitions before the copy begins, and none until the cutover is finished: the copy ends there, and goes on only with --may-reorder (`mayReorder`)",
    }));
}

/** A translation moves no group of the target that it has not put there. */
function takenNames(groups: readonly PlanGroup[] | null, targetGroups: readonly PlanGroup[] | null): readonly PlanFinding[] {
  const taken = new Set(targetGroups?.map(({ group }) => group));
  return (groups ?? [])
    .filter(({ group }) => taken.has(group))
    .map(({ group }) => ({
      weight: "possible",
      what: `the target has a group ${JSON.stringify(group)} already: if no translation has put it there, none will move it`,
      proposal: "remove it from the target before groups are translated, or leave this one out",
    }));
}

async function groupsOf(side: OpenSide, own: string | null, signal: AbortSignal): Promise<readonly PlanGroup[] | null> {
  const { context } = side;
  if (!context.capabilities.groupAdmin) return null;
  const listed = await sideCall(context, "plan", signal, (attempt) => context.driver.admin.listGroups(context.nativeTopic, attempt)).catch(
    (error: unknown) => {
      // The findings say so.
      if (isStreamError(error, "configuration", "permission-denied")) return [];
      throw error;
    },
  );
  const groups: PlanGroup[] = [];
  for (const { group } of listed) {
    if (group !== null && group !== own) groups.push({ group, lag: await messagesIn(side, group, signal) });
  }
  return groups.toSorted((a, b) => (a.group < b.group ? -1 : 1));
}

/** What the source must have before a copy can be a member of its group there. */
async function groupFindings({ context }: OpenSide, group: string, signal: AbortSignal): Promise<readonly PlanFinding[]> {
  try {
    await sideCall(context, "plan", signal, (attempt) =>
      context.driver.admin.describeGroup(context.nativeTopic, context.checkedGroup(group), attempt),
    );
    return [];
  } catch (error) {
    if (isStreamError(error, "configuration")) {
      return [{ weight: "certain", what: error.message, proposal: "name the place in the URL or in the options of the source" }];
    }
    if (isStreamError(error, "permission-denied")) return [notPermitted(`the group ${JSON.stringify(group)} cannot be looked at`, error)];
    if (!isStreamError(error, "not-found")) throw error;
    const { groupAdmin, topicAdmin, orderingUnit } = context.capabilities;
    if (orderingUnit === "key") {
      const text = `the group ${JSON.stringify(group)} does not exist at ${context.provider} yet: what was published before it is made comes only as far as the topic keeps it`;
      return [{ weight: "possible", what: text, proposal: "make the group now, or let the topic keep messages before the copy begins" }];
    }
    if (groupAdmin && topicAdmin) return [];
    const what = `the group ${JSON.stringify(group)} has no position at ${context.provider}, which may not create groups by itself`;
    return [{ weight: "possible", what, proposal: `create the group ${JSON.stringify(group)} there if the copy does not find it` }];
  }
}

function permissionFindings(sides: readonly PlanSide[]): readonly PlanFinding[] {
  return sides
    .filter(({ lackingPermissions }) => (lackingPermissions?.length ?? 0) > 0)
    .map(({ provider, topic, lackingPermissions }) => ({
      weight: "certain",
      what: `the connection to ${topic} at ${provider} lacks: ${lackingPermissions!.join(", ")}`,
      proposal: "grant these permissions",
    }));
}

async function describeSide(side: OpenSide, group: string | null, signal: AbortSignal): Promise<PlanSide> {
  const { context } = side;
  const { admin } = context.driver;
  const { partitions, openPartitions, retentionMs, maxMessageBytes } = await sideCall(context, "plan", signal, (attempt) =>
    admin.describeTopic(context.nativeTopic, attempt),
  );
  // The target is read as well, for what it holds of the copy.
  const needed = group === null ? ["send", "consume"] : ["consume"];
  const permissions =
    admin.permissions === undefined
      ? null
      : await sideCall(context, "plan", signal, (attempt) =>
          admin.permissions!(context.nativeTopic, group === null ? null : context.checkedGroup(group), attempt),
        );
  return {
    provider: context.provider,
    topic: context.topic,
    partitions: openPartitions ?? partitions.length,
    retentionMs,
    maxMessageBytes,
    capabilities: await capabilitiesOf(side, "plan", signal),
    lackingPermissions:
      permissions === null
        ? null
        : [
            ...new Set(
              permissions
                .filter(({ operation, isAllowed }) => isAllowed === false && needed.includes(operation))
                .flatMap(({ lacking }) => lacking),
            ),
          ],
  };
}

/** One of a former topic of the name stands nowhere in this one. */
function messagesIn(side: OpenSide, group: string, signal: AbortSignal): Promise<number | null> {
  return groupLag(side, group, "plan", ["not-found", "configuration", "position-mismatch", "permission-denied"], signal);
}

/** At least so many: full ones. */
async function callsFor({ context }: OpenSide, messages: number, bytes: number): Promise<number> {
  const producer = context.driver.producer(context.nativeTopic);
  const { maxCallMessages, maxCallBytes } = producer.shape;
  await producer.close();
  return Math.max(Math.ceil(messages / maxCallMessages), Math.ceil(bytes / maxCallBytes));
}
