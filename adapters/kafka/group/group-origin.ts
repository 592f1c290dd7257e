import { ErrorNumber } from "../client/error-codes.ts";
import { type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { errorOf } from "../errors.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { DEFAULT_METADATA_BYTES } from "./commit-metadata.ts";
import { Coordinator } from "./coordinator.ts";

const SUFFIX = ".streamport-origin";
const FORM = /^streamport-origin\/1 (?<note>[\w-]{6}) (?<index>\d+)\/(?<count>\d+) (?<part>[\x20-\x7e]*)$/;
const HEAD_BYTES = 64;
/** For commits outside a membership. */
const NO_MEMBER = { generation: -1, memberId: "", leaderEpoch: -1 };

/** Where a group came from, and the note of the reset that has brought it here. Beside another note it means nothing. */
export interface GroupOrigin {
  readonly note: string;
  readonly text: string;
}

/**
 * The metadata of a commit has room only for what belongs to it, so the origin of a group is in that of a companion: a group without members, whose name is that of
 * the group with a suffix. Its text is spread over the partitions.
 */
function companionOf(group: string): string {
  return group + SUFFIX;
}

export function isCompanion(group: string): boolean {
  return group.endsWith(SUFFIX);
}

/** Stores nothing where the partitions have no room for it. @throws an error of the request */
export async function storeOrigin(
  client: KafkaClient,
  group: string,
  { topic, partitions }: TopicSnapshot,
  { note, text }: GroupOrigin,
  signal: AbortSignal,
): Promise<void> {
  const room = DEFAULT_METADATA_BYTES - HEAD_BYTES;
  const count = Math.max(1, Math.ceil(text.length / room));
  if (count > partitions.length) return;
  const commits = partitions.slice(0, count).map((partition, index) => {
    const metadata = `streamport-origin/1 ${note} ${index}/${count} ${text.slice(index * room, (index + 1) * room)}`;
    return { partition, offset: 0n, leaderEpoch: -1, metadata };
  });
  const companion = companionOf(group);
  const request = { group: companion, ...NO_MEMBER, topic, partitions: commits };
  const results = await new Coordinator(client, companion).ask(signal, (brokerId) => client.offsetCommit(brokerId, request, signal));
  const failed = results.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw errorOf(failed.errorCode, "OffsetCommit", { topic });
}

/** @returns `null`: there is none, or it is not complete. @throws `KafkaProtocolError` · any error of the client */
export async function readOrigin(
  client: KafkaClient,
  group: string,
  { topic, partitions }: TopicSnapshot,
  signal: AbortSignal,
): Promise<GroupOrigin | null> {
  const companion = companionOf(group);
  const topics = [{ topic, partitions }];
  const answer = await new Coordinator(client, companion).ask(signal, (brokerId) =>
    client.offsetFetch(brokerId, companion, topics, signal),
  );
  const parts = new Map<number, string>();
  let first: { readonly note: string; readonly count: number } | null = null;
  for (const { errorCode, metadata } of answer) {
    if (errorCode !== 0) throw new KafkaProtocolError("OffsetFetch", errorCode);
    const found = FORM.exec(metadata ?? "")?.groups;
    if (found === undefined) continue;
    const index = Number(found["index"]);
    // The first part says which store it was: a later one may have needed fewer parts.
    if (index === 0) first = { note: found["note"]!, count: Number(found["count"]) };
    parts.set(index, found["note"]! + found["part"]!);
  }
  if (first === null) return null;
  const { note, count } = first;
  const texts = Array.from({ length: count }, (_, index) => parts.get(index));
  if (!texts.every((text) => text?.startsWith(note) === true)) return null;
  return { note, text: texts.map((text) => text!.slice(note.length)).join("") };
}

/** @throws any error but that there is none */
export async function deleteOrigin(client: KafkaClient, group: string, signal: AbortSignal): Promise<void> {
  const companion = companionOf(group);
  try {
    await new Coordinator(client, companion).ask(signal, (brokerId) => client.deleteGroup(brokerId, companion, signal));
  } catch (error) {
    if (!(error instanceof KafkaProtocolError) || error.errorCode !== ErrorNumber.GROUP_ID_NOT_FOUND) throw error;
  }
}
