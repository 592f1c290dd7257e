import { OpenConnection } from "../../connection.ts";
import type { HandledAhead } from "../../position/handled-ahead.ts";
import { StreamError } from "../../errors.ts";
import { originText } from "../../handled-origin.ts";
import { showName } from "../../option-rules.ts";
import { encodeBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace, StartPoint } from "../../position/place.ts";
import type { Bookmark } from "../../tokens.ts";
import { requireTwoTopics } from "../copy/copy-options.ts";
import { groupCall } from "../group-call.ts";
import { checkpointBefore, earliestBookmark } from "../positions/scan-start.ts";
import { type OpenSide, type Side, openSide } from "../side.ts";
import { type GroupState, describeSide, readGroupState, refusal, requireInactive } from "./group-state.ts";
import type { GroupTranslation, PlaceByTime } from "./group-translation.ts";
import { ReturnedMessages } from "./returned-messages.ts";
import { type ScannedGroup, scanTarget, scannedGroup } from "./scan-target.ts";
import {
  type ResolvedTranslateGroupsOptions,
  type TranslateGroupsOptions,
  type TranslateGroupsResult,
  type TranslatedGroup,
  resolveTranslateGroupsOptions,
} from "./translate-groups-options.ts";

/**
 * Puts groups of the target where those of the source stand: never behind a message that is not handled. A group that cannot be translated is refused by itself, and
 * the others go on.
 * @throws `invalid-argument` · `not-found` for a topic · `unsupported` where groups are not named, and the source does not list them · what the drivers throw
 */
export async function translateGroups(source: Side, target: Side, options: TranslateGroupsOptions = {}): Promise<TranslateGroupsResult> {
  const resolved = resolveTranslateGroupsOptions(source, target, options);
  const { signal } = resolved;
  signal.throwIfAborted();
  const from = await openSide(source, "translateGroups", signal);
  const to = await openSide(target, "translateGroups", signal);
  requireTwoTopics(from.id, to.id, source.topic);
  to.context.requireCapability("groupReset", "translateGroups");
  const groups = resolved.groups ?? (await groupsOf(source, resolved));
  const translator = new Translator(from, to, resolved);
  const translated = await translator.translate(groups);
  return { done: translated.every(({ refused }) => refused === null), groups: translated };
}

async function groupsOf({ connection, topic }: Side, { copyGroup, signal }: ResolvedTranslateGroupsOptions): Promise<readonly string[]> {
  const { names } = await OpenConnection.inspectionOf(connection).listedGroups(topic, { signal });
  return names.filter((group) => group !== copyGroup).toSorted();
}

/** Some stores keep it in metadata of a few thousand bytes. Without it `skipMigrated` has no effect: messages come again, and the result says so. */
const MOST_ORIGIN_CHARACTERS = 3_000;
const NONE: ReadonlyMap<string, HandledAhead> = new Map();
/** What concerns one group. Anything else ends the run. */
const REFUSALS: ReadonlySet<string> = new Set(["conflict", "not-found", "position-out-of-range", "position-mismatch", "unsupported"]);

type GroupStart = Extract<StartPoint, { readonly kind: "places" }> | PlaceByTime;

/** One run for all groups: the target is read once. */
class Translator {
  readonly #source: OpenSide;
  readonly #target: OpenSide;
  readonly #options: ResolvedTranslateGroupsOptions;

  constructor(source: OpenSide, target: OpenSide, options: ResolvedTranslateGroupsOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async translate(groups: readonly string[]): Promise<readonly TranslatedGroup[]> {
    const results = new Map<string, TranslatedGroup>();
    const scanned: ScannedGroup[] = [];
    for (const group of groups) {
      const begun = await this.#orRefused(group, results, () => this.#begin(group));
      if (begun !== null) scanned.push(begun);
    }
    if (scanned.length > 0) {
      const begin = earliestBookmark(
        this.#target,
        scanned.map(({ begin: from }) => from),
      );
      const { copied, ends } = await scanTarget(this.#source, this.#target, begin, scanned, this.#options);
      for (const one of scanned) {
        await this.#orRefused(one.state.group, results, async () => {
          await copied.require(one.state, one.missing);
          results.set(one.state.group, await this.#move(one, ends));
        });
      }
    }
    return groups.map((group) => results.get(group)!);
  }

  async #orRefused<Result>(group: string, results: Map<string, TranslatedGroup>, work: () => Promise<Result>): Promise<Result | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StreamError) || error.retryable || !REFUSALS.has(error.code)) throw error;
      const refused = { code: error.code, message: error.message };
      results.set(group, { group, bookmark: null, timestampMs: null, repeats: null, handledOrdinals: {}, skippable: false, refused });
      return null;
    }
  }

  async #begin(group: string): Promise<ScannedGroup> {
    const { confirmed, checkpoints, returning, signal } = this.#options;
    const state = await readGroupState(this.#source, group, this.#target.id, confirmed, signal);
    const here = await this.#requireNotMoved(group);
    const back = returning.get(group) ?? null;
    const bookmarks: (Bookmark | null)[] = [];
    const ordinals = new Map<string, string>();
    for (const [partition, { place }] of state.parts) {
      const checkpoint = await checkpointBefore(checkpoints, this.#source, this.#target, partition, place);
      bookmarks.push(checkpoint?.targetBookmark ?? null);
      if (checkpoint !== null) ordinals.set(partition, checkpoint.ordinal);
    }
    if (back !== null) bookmarks.push(here?.bookmark ?? null);
    const returned = back === null ? null : await ReturnedMessages.read(this.#source, this.#target, state, back.source, signal);
    const begin = earliestBookmark(this.#target, bookmarks);
    return scannedGroup(state, begin, { here, returned, ordinals }, !this.#target.context.capabilities.startAtPosition);
  }

  /**
   * What the group has handled on the target itself, where it comes back.
   * @throws `conflict` where the group of the target has moved since it was put there, or was never put there
   */
  async #requireNotMoved(group: string): Promise<GroupState | null> {
    const { translations, confirmed, returning, signal } = this.#options;
    const description = await describeSide(this.#target, group, signal);
    if (description === null) return null;
    requireInactive(this.#target, group, description, confirmed);
    const { places } = description;
    if (places === null) return null;
    const bookmark = this.#bookmark(places);
    const back = returning.get(group);
    const former = (await translations?.read(group)) ?? null;
    const isOurs = former !== null && former.source === this.#source.id && former.target === this.#target.id;
    const known = [back?.target, ...(isOurs ? [former.targetBookmark, former.formerBookmark] : [])].filter(
      (one) => typeof one === "string",
    );
    if (known.length === 0) {
      const text = `the group ${showName(group)} exists on the target, and no translation is known that has put it there; delete it there, or leave it out`;
      throw refusal(this.#target, "conflict", text);
    }
    if (!known.includes(bookmark)) {
      throw refusal(
        this.#target,
        "conflict",
        `the group ${showName(group)} has moved on the target since it was put there; it would go back`,
      );
    }
    const parts = new Map(
      [...places].map(([partition, place]) => [partition, { place, ahead: description.ahead?.get(partition) ?? null }]),
    );
    return { group, bookmark, parts, unhandled: new Map() };
  }

  async #move({ state, here, translation, ordinals }: ScannedGroup, ends: ReadonlyMap<string, PartitionPlace>): Promise<TranslatedGroup> {
    const { group } = state;
    const { context, compare } = this.#target;
    const places = translation.places(ends);
    const handled = translation.handledOrdinals(ordinals);
    const origin = originText({ source: this.#source.id, ordinals: handled });
    const to = this.#startPoint(translation, places, origin.length > MOST_ORIGIN_CHARACTERS ? null : origin);
    const handledOrdinals = Object.fromEntries(handled);
    const timestampMs = to.kind === "timestamp" ? to.timestampMs : null;
    const isByTime = to.kind !== "places";
    const skippable = to.kind === "places" && to.origin !== undefined;
    const result = (bookmark: Bookmark | null, stored: ReadonlyMap<string, HandledAhead>): TranslatedGroup => {
      const repeats = to.kind === "places" ? translation.repeats(stored, compare) : translation.repeatsByTime(to);
      return { group, bookmark, timestampMs, repeats, handledOrdinals, skippable, refused: null };
    };
    const name = context.checkedGroup(group);
    const planned = await this.#call((attempt) => context.driver.admin.planReset(context.nativeTopic, name, to, attempt));
    const plannedBookmark = isByTime ? null : this.#bookmark(planned);
    if (this.#options.dryRun) return result(plannedBookmark, context.capabilities.handledAhead ? translation.ahead : NONE);
    await this.#keep(state, plannedBookmark, here?.bookmark ?? null);
    await this.#call((attempt) => context.driver.admin.resetGroup(context.nativeTopic, name, to, attempt));
    const moved = await describeSide(this.#target, group, this.#options.signal);
    const bookmark = moved === null || moved.places === null ? null : this.#bookmark(moved.places);
    if (bookmark !== plannedBookmark) await this.#keep(state, bookmark, plannedBookmark);
    return result(bookmark, moved?.ahead ?? NONE);
  }

  /** A target without positions is placed by a time: what lies behind it comes again. */
  #startPoint(translation: GroupTranslation, places: ReadonlyMap<string, PartitionPlace>, origin: string | null): GroupStart {
    if (this.#target.context.capabilities.startAtPosition) {
      return { kind: "places", places, ahead: translation.ahead, ...(origin === null ? {} : { origin }) };
    }
    return translation.placeByTime(this.#options.timeMarginMs);
  }

  async #keep({ group, bookmark }: GroupState, targetBookmark: Bookmark | null, formerBookmark: Bookmark | null): Promise<void> {
    const { id: source } = this.#source;
    const { id: target } = this.#target;
    await this.#options.translations?.write({
      version: 1,
      source,
      target,
      group,
      sourceBookmark: bookmark,
      targetBookmark,
      formerBookmark,
    });
  }

  #call<Result>(call: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return groupCall(this.#target, "translateGroups", this.#options.signal, call);
  }

  #bookmark(places: ReadonlyMap<string, PartitionPlace>): Bookmark {
    return encodeBookmark(this.#target.context.provider, this.#target.identity, places);
  }
}
