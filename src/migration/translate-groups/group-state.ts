import { inParallel } from "../../adapter-kit/in-parallel.ts";
import type { DriverGroupDescription } from "../../driver/admin-driver.ts";
import { StreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import { encodeBookmark } from "../../position/bookmark.ts";
import type { HandledAhead } from "../../position/handled-ahead.ts";
import type { PartitionPlace } from "../../position/place.ts";
import type { Bookmark } from "../../tokens.ts";
import { groupCall } from "../group-call.ts";
import type { OpenSide } from "../side.ts";
import { type HandledPart, isHandled } from "../handled-part.ts";
import { comesFrom, recordsFrom } from "../records-from.ts";

/** How far a group without members has come. */
export interface GroupState {
  readonly group: string;
  /** `null` where the provider does not show it: then everything that was copied counts as handled, as the operator has confirmed. */
  readonly bookmark: Bookmark | null;
  /** By partition. In one that is not listed nothing is handled. */
  readonly parts: ReadonlyMap<string, HandledPart>;
  /**
   * By partition, positions of messages that are stored now and not handled: the first ones, and all that lie before the end of what is handled ahead. Without those that
   * have come from the other side.
   */
  readonly unhandled: ReadonlyMap<string, readonly string[]>;
}

/**
 * So many are looked for in the target. The first one alone says too little: the retention of a target removes the first ones of each of its partitions by itself, so the
 * first one that lies in each of them must be among these.
 */
const FIRST_UNHANDLED = 2_000;

/** Of a group about which the provider shows nothing. */
const EVERYTHING: HandledPart = { place: { kind: "ended" }, ahead: null };
const NOTHING: HandledPart = { place: { kind: "earliest" }, ahead: null };

/** Whether the group has handled the message at this position. */
export function hasHandled(
  { bookmark, parts }: GroupState,
  partition: string,
  position: string,
  timestampMs: number | bigint,
  { compare }: OpenSide,
): boolean {
  const part = bookmark === null ? EVERYTHING : (parts.get(partition) ?? NOTHING);
  return isHandled(part, position, timestampMs, compare);
}

/** What the administration knows of the group; `null`: there is none. */
export async function describeSide(side: OpenSide, group: string, signal: AbortSignal): Promise<DriverGroupDescription | null> {
  const { context } = side;
  try {
    const name = context.checkedGroup(group);
    return await groupCall(side, "translateGroups", signal, (attempt) =>
      context.driver.admin.describeGroup(context.nativeTopic, name, attempt),
    );
  } catch (error) {
    if (error instanceof StreamError && error.code === "not-found") return null;
    throw error;
  }
}

/**
 * @param otherId of the other side: what has come from there is not looked for there as a copy
 * @param isConfirmed the operator knows that the group is inactive and, where the provider does not show its places, that it has handled everything
 * @throws `not-found` · `conflict` while the group has members, or may have some · `position-out-of-range` where retention has passed it
 */
export async function readGroupState(
  side: OpenSide,
  group: string,
  otherId: string,
  isConfirmed: boolean,
  signal: AbortSignal,
): Promise<GroupState> {
  const { context } = side;
  const description = await describeSide(side, group, signal);
  if (description === null) throw refusal(side, "not-found", `the group ${showName(group)} does not exist on the source`);
  requireInactive(side, group, description, isConfirmed);
  const { places } = description;
  if (places === null && context.capabilities.startAtPosition) {
    throw refusal(side, "not-found", `the group ${showName(group)} has no place on the source yet; there is nothing to translate`);
  }
  if (places === null) return { group, bookmark: null, parts: new Map(), unhandled: new Map() };
  return await stateAt(side, group, places, description.ahead ?? new Map(), otherId, signal);
}

/**
 * The state of somebody who stands at these places, and has handled this ahead of them.
 * @throws `position-out-of-range` where retention has passed them
 */
export async function stateAt(
  side: OpenSide,
  group: string,
  places: ReadonlyMap<string, PartitionPlace>,
  ahead: ReadonlyMap<string, HandledAhead>,
  otherId: string,
  signal: AbortSignal,
): Promise<GroupState> {
  const { context, identity } = side;
  const topic = await groupCall(side, "translateGroups", signal, (attempt) =>
    context.driver.admin.describeTopic(context.nativeTopic, attempt),
  );
  const parts = new Map<string, HandledPart>();
  for (const partition of new Set([...places.keys(), ...topic.partitions])) {
    parts.set(partition, { place: places.get(partition) ?? NOTHING.place, ahead: ahead.get(partition) ?? null });
  }
  const unhandled = new Map<string, readonly string[]>();
  await inParallel(topic.partitions, async (partition) => {
    unhandled.set(partition, await unhandledIn(side, partition, parts.get(partition)!, otherId, signal));
  });
  return { group, bookmark: encodeBookmark(context.provider, identity, places), parts, unhandled };
}

/** @throws `conflict` */
export function requireInactive(side: OpenSide, group: string, { members }: DriverGroupDescription, isConfirmed: boolean): void {
  if (members !== null && members > 0) {
    const text = `the group ${showName(group)} has ${members} ${members === 1 ? "member" : "members"}; stop all of them first`;
    throw refusal(side, "conflict", text);
  }
  if (members !== null || isConfirmed) return;
  const text =
    `the provider does not show whether the group ${showName(group)} has members, or how far it is; ` +
    "stop all members when everything is handled, and confirm it";
  throw refusal(side, "conflict", text);
}

async function unhandledIn(
  side: OpenSide,
  partition: string,
  part: HandledPart,
  otherId: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { compare } = side;
  const found: string[] = [];
  for await (const { records } of recordsFrom(side, partition, part.place, signal)) {
    for (const record of records) {
      const { position, timestampMs } = record;
      if (!isHandled(part, position, timestampMs, compare) && !comesFrom(otherId, record)) found.push(position);
      const isAtEnd = part.ahead === null || compare(position, part.ahead.upTo) >= 0;
      if (isAtEnd && found.length >= FIRST_UNHANDLED) return found;
    }
  }
  return found;
}

export function refusal({ context }: OpenSide, code: "conflict" | "not-found" | "position-out-of-range", text: string): StreamError {
  const { provider, topic } = context;
  return new StreamError(code, text, { provider, topic, operation: "translateGroups" });
}
