import { inParallel } from "../../../src/adapter-kit/index.ts";
import type { GroupName, HandledAhead, Lag, LagFigures, LagRequest, PartitionPlace, StoredRecord } from "../../../src/driver/index.ts";
import { leaseAdmin } from "../../../src/leases/index.ts";
import { groupNotFound } from "../errors.ts";
import { tableOf } from "../group/group-name.ts";
import { type KinesisGroupParts, groupParts } from "../group/group-parts.ts";
import { comparePositions } from "../records.ts";
import type { KinesisService } from "../service.ts";

const SHARDS_AT_ONCE = 32;
/** An idle shard may give any number of empty pages before its end: then the lag is not known. */
const LONGEST_LOOK_MS = 5_000;

/** Where a group stands in a shard. */
interface Standing {
  readonly place: PartitionPlace;
  readonly ahead: HandledAhead | null;
}

/** How old the first message is in each shard that the group has not handled. The service counts no messages. */
export async function groupLag(
  service: KinesisService,
  topic: string,
  name: GroupName,
  { partitions, initialPosition }: LagRequest,
  signal: AbortSignal,
): Promise<Lag> {
  const parts = groupParts(service, topic, name, { initial: initialPosition ?? "fail" });
  const standings = await standingsOf(parts, initialPosition, signal);
  if (standings === null) throw groupNotFound(topic, tableOf(topic, name));
  const { partitions: shards } = await parts.source.describe(signal);
  const wanted = shards.map(({ partition }) => partition).filter((partition) => partitions?.includes(partition) ?? true);
  const figures = await inParallel(
    wanted,
    async (partition) => ({
      partition,
      messages: null,
      timeMs: await lagAt(service, parts, partition, standings.get(partition), signal),
    }),
    SHARDS_AT_ONCE,
  );
  return { messages: null, timeMs: greatest(figures), partitions: figures };
}

async function standingsOf(
  parts: KinesisGroupParts,
  initialPosition: LagRequest["initialPosition"],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Standing> | null> {
  const progress = await leaseAdmin(parts).progress(signal);
  if (progress !== null || initialPosition === null) return progress;
  const places = await parts.source.resolve(initialPosition, signal);
  return new Map([...places].map(([partition, place]) => [partition, { place, ahead: null }]));
}

/** Unknown beside known ones is unknown: it may be the greatest. */
function greatest(figures: readonly LagFigures[]): number | null {
  if (figures.some(({ timeMs }) => timeMs === null)) return null;
  return figures.reduce((most, { timeMs }) => Math.max(most, timeMs ?? 0), 0);
}

/** @returns 0 where nothing is left, `null` where that could not be found out */
async function lagAt(
  service: KinesisService,
  { source }: KinesisGroupParts,
  partition: string,
  { place, ahead }: Standing = { place: { kind: "earliest" }, ahead: null },
  signal: AbortSignal,
): Promise<number | null> {
  if (place.kind === "ended") return 0;
  const look = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_LOOK_MS)]);
  const cursor = source.open({ partition, place, emptyUntilMs: null, epoch: null });
  try {
    for (;;) {
      const found = await cursor.fetch(look);
      if (found.kind === "caught-up" || found.kind === "ended") return 0;
      if (found.kind === "unreadable") return null;
      if (found.kind !== "records") continue;
      const waiting = found.records.find((record) => !isHandled(record, ahead));
      if (waiting !== undefined) return Math.max(1, Math.round(service.connection.serviceNowMs - Number(waiting.timestampMs)));
    }
  } catch (error) {
    signal.throwIfAborted();
    if (look.aborted) return null;
    throw error;
  } finally {
    await cursor.close();
  }
}

function isHandled({ position }: StoredRecord, ahead: HandledAhead | null): boolean {
  return ahead !== null && comparePositions(position, ahead.upTo) <= 0 && !ahead.except.includes(position);
}
