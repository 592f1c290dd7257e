import { StreamError } from "../../errors.ts";
import { type OptionRule, checkOptions, rules } from "../../option-rules.ts";
import { decodeBookmark, encodeBookmark, identityOfBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace, PositionPlace } from "../../position/place.ts";
import { type TopicIdentity, decodePosition, encodePosition } from "../../position/position.ts";
import { provenanceFrom } from "../../provenance.ts";
import { RecordReader } from "../../replay/record-reader.ts";
import type { Bookmark, Position } from "../../tokens.ts";
import { type CheckpointStore, STORE_RULE } from "../copy/checkpoint.ts";
import { copyGroup, requireTwoTopics } from "../copy/copy-options.ts";
import { readerBehind } from "../records-from.ts";
import { type OpenSide, type Side, openSide } from "../side.ts";
import { CopiedSoFar } from "../translate-groups/copied-so-far.ts";
import { stateAt } from "../translate-groups/group-state.ts";
import { scanTarget, scannedGroup } from "../translate-groups/scan-target.ts";
import { DEFAULT_TIME_MARGIN_MS } from "../translate-groups/translate-groups-options.ts";
import { checkpointBefore, earliestBookmark } from "./scan-start.ts";

export interface PositionsOptions {
  /** Of a message of the source or of the target. */
  position?: Position | undefined;
  /** Of the source or of the target. Exactly one of the two is given. */
  bookmark?: Bookmark | undefined;
  /** Those of the copy: they shorten the search in the target. @default none: the target is read from its beginning */
  checkpoints?: CheckpointStore | undefined;
  /** That of the copy. @default `copy.<source topic>.to.<target topic>` */
  copyGroup?: string | undefined;
  /** As for `translateGroups`: where the target has no positions to start at. @default 10_000 */
  timeMarginMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface PositionsResult {
  readonly direction: "to-target" | "to-source";
  /** Of the same message on the other side; `null` where a bookmark was given. */
  readonly position: Position | null;
  /** In front of everything on the other side that lies behind the given bookmark; `null` where a position was given. */
  readonly bookmark: Bookmark | null;
  /** How many messages of the target lie behind its bookmark, and before the given one in the source. 0: the place is exact. `null` on the way to the source: not counted. */
  readonly repeats: number | null;
}

const RULES: Readonly<Record<keyof PositionsOptions, OptionRule>> = {
  position: rules.nonEmptyString,
  bookmark: rules.nonEmptyString,
  checkpoints: STORE_RULE,
  copyGroup: rules.nonEmptyString,
  timeMarginMs: rules.durationMs,
  signal: rules.abortSignal,
};

/**
 * Finds the place on the other side of a copy. The former checkpoints of the copy are the map, and the provenance of the messages behind one of them gives the
 * exact place.
 * @throws `invalid-argument` · `position-mismatch` for a token of neither topic · `not-found` for a message that is not on the other side, or was not yet copied ·
 * `position-out-of-range` for messages that one of the sides no longer has · `unsupported` for the way back to a source that cannot start at a position · `conflict` for a place that the copy has not come to
 */
export async function positions(source: Side, target: Side, options: PositionsOptions): Promise<PositionsResult> {
  checkOptions("options of positions", options, RULES);
  const { position, bookmark, checkpoints = null, timeMarginMs = DEFAULT_TIME_MARGIN_MS, signal = new AbortController().signal } = options;
  if ((position === undefined) === (bookmark === undefined)) {
    throw new StreamError("invalid-argument", "options of positions: either a position or a bookmark is needed, and not both");
  }
  const from = await openSide(source, "positions", signal);
  const to = await openSide(target, "positions", signal);
  requireTwoTopics(from.id, to.id, source.topic);
  const parts = { from, to, checkpoints, copyGroup: options.copyGroup ?? copyGroup(source.topic, target.topic), timeMarginMs, signal };
  const token = position === undefined ? identityOfBookmark(bookmark) : decodePosition(position);
  const isOfSource = isSame(token, from.identity);
  if (!isOfSource && !isSame(token, to.identity)) {
    throw new StreamError(
      "position-mismatch",
      "the token belongs to neither of the two topics, or to one that was deleted and created again",
    );
  }
  const direction = isOfSource ? "to-target" : "to-source";
  if (position !== undefined) {
    const found = isOfSource ? await inTarget(parts, position) : await inSource(parts, position);
    return { direction, position: found, bookmark: null, repeats: 0 };
  }
  return { direction, position: null, ...(isOfSource ? await targetBookmark(parts, bookmark!) : await sourceBookmark(parts, bookmark!)) };
}

interface PositionsParts {
  readonly from: OpenSide;
  readonly to: OpenSide;
  readonly checkpoints: CheckpointStore | null;
  readonly copyGroup: string;
  readonly timeMarginMs: number;
  readonly signal: AbortSignal;
}

function isSame(a: TopicIdentity, b: TopicIdentity): boolean {
  return a.cluster === b.cluster && a.topic === b.topic && a.incarnation === b.incarnation;
}

async function inTarget({ from, to, checkpoints, signal }: PositionsParts, position: Position): Promise<Position> {
  const { partition, position: own } = decodePosition(position);
  const checkpoint = await checkpointBefore(checkpoints, from, to, partition, { kind: "at", position: own });
  const begin = checkpoint?.targetBookmark ?? null;
  for await (const { source, records } of readerBehind(to, begin, () => undefined).batches(signal)) {
    for (const record of records) {
      const origin = provenanceFrom(from.id, record.headers);
      if (origin?.partition === partition && origin.position === own) return source.positionOf(record.position);
    }
  }
  throw new StreamError(
    "not-found",
    "the target does not hold this message: it is not copied yet, was left out, or the retention of the target has passed it",
    {
      topic: to.context.topic,
      partition,
      position,
      operation: "positions",
    },
  );
}

async function inSource({ from, to, signal }: PositionsParts, position: Position): Promise<Position> {
  const reader = new RecordReader(to.context, { from: { at: position }, until: { through: position } });
  for await (const { records } of reader.batches(signal)) {
    for (const { headers } of records) {
      const origin = provenanceFrom(from.id, headers);
      if (origin !== null)
        return encodePosition({
          provider: from.context.provider,
          ...from.identity,
          partition: origin.partition,
          position: origin.position,
        });
    }
  }
  throw new StreamError("not-found", "this message of the target was not copied from the source", {
    topic: to.context.topic,
    position,
    operation: "positions",
  });
}

async function targetBookmark(
  { from, to, checkpoints, copyGroup: group, timeMarginMs, signal }: PositionsParts,
  bookmark: Bookmark,
): Promise<Pick<PositionsResult, "bookmark" | "repeats">> {
  const places = decodeBookmark(bookmark, from.context.provider, from.identity);
  const state = await stateAt(from, "bookmark", places, new Map(), to.id, signal);
  const bookmarks = await Promise.all(
    [...state.parts].map(
      async ([partition, { place }]) => (await checkpointBefore(checkpoints, from, to, partition, place))?.targetBookmark ?? null,
    ),
  );
  const isByTime = !to.context.capabilities.startAtPosition;
  const scanned = scannedGroup(state, earliestBookmark(to, bookmarks), { here: null, returned: null, ordinals: new Map() }, isByTime);
  const options = { copyGroup: group, checkpoints, signal };
  const { copied, ends } = await scanTarget(from, to, scanned.begin, [scanned], options);
  await copied.require(state, scanned.missing);
  const { translation } = scanned;
  const encode = (found: ReadonlyMap<string, PartitionPlace>): Bookmark => encodeBookmark(to.context.provider, to.identity, found);
  if (isByTime) {
    const place = translation.placeByTime(timeMarginMs);
    return {
      bookmark: encode(new Map([...ends.keys()].map((partition) => [partition, place]))),
      repeats: translation.repeatsByTime(place),
    };
  }
  return { bookmark: encode(translation.places(ends)), repeats: translation.repeats(new Map(), to.compare) };
}

/** In each partition of the source, the first message that lies behind the bookmark in the target. Where there is none, the place that the copy has come to. */
async function sourceBookmark(
  { from, to, checkpoints, copyGroup: group, signal }: PositionsParts,
  bookmark: Bookmark,
): Promise<Pick<PositionsResult, "bookmark" | "repeats">> {
  from.context.requireCapability("startAtPosition", "positions");
  const first = new Map<string, PositionPlace>();
  const seen = new Map<string, string>();
  for await (const { records } of readerBehind(to, bookmark).batches(signal)) {
    for (const { headers } of records) {
      const origin = provenanceFrom(from.id, headers);
      if (origin === null) continue;
      const before = first.get(origin.partition);
      if (before === undefined || from.compare(origin.position, before.position) < 0)
        first.set(origin.partition, { kind: "at", position: origin.position });
      seen.set(origin.partition, origin.position);
    }
  }
  const copied = await CopiedSoFar.of(from, to, seen, { copyGroup: group, checkpoints, signal });
  const places = new Map<string, PartitionPlace>([...copied.places, ...first]);
  return { bookmark: encodeBookmark(from.context.provider, from.identity, places), repeats: null };
}
