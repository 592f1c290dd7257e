import { createHash, randomBytes } from "node:crypto";
import { type EpochEnd, addEpoch } from "../fetch/read-epochs.ts";
import { crc32c } from "../log/crc32c.ts";
import { type HandledDistances, distancesWithin, readDistances, writeDistances } from "./handled-distances.ts";

/** The topic whose offsets are committed. `null`: the server has no such id. */
export interface CommitOrigin {
  readonly clusterId: string | null;
  /** 32 hexadecimal digits. */
  readonly topicId: string | null;
}

/** What is handled at and after a committed offset. */
export interface AheadOffsets extends HandledDistances {
  /** The leader epochs in which the log was stored, from the committed offset to the last handled one. */
  readonly epochs: readonly EpochEnd[];
}

/** What the metadata of a commit says beside its origin. */
export interface CommitContent {
  /**
   * Random, made when the group starts or is reset, and repeated by every commit after that. So an offset that a group reached before a
   * reset is not taken for the same offset after it. `null`: there was no room, or an earlier version committed.
   */
  readonly note: string | null;
  readonly ahead: AheadOffsets | null;
}

/** The default of servers: https://kafka.apache.org/documentation/#brokerconfigs_offset.metadata.max.bytes */
export const DEFAULT_METADATA_BYTES = 4_096;

const FORM =
  /^streamport\/1 (?<checksum>[\w-]{6})(?<body>(?<cluster>[\w-]{8})(?<topic>[\w-]{22})(?<offset>[0-9a-z]{1,13})(?:!(?<note>[\w-]{6}))?(?:@(?<epochs>[0-9a-z:,]+)=(?<handled>[rb][\w-]+))?)$/;
/** The form of earlier versions, and of clusters without an id. Earlier versions take any other form for one of another client: its offset counts. */
const TOPIC_ONLY = "streamport topic ";
const TOPIC_ONLY_FORM = /^streamport topic (?<topic>[0-9a-f]{32})$/;
/** A log changes its leader epoch once in an election. With more epochs than this, less is stored. */
const MAX_EPOCHS = 16;
const RADIX = 36;

/** A new note. */
export function newNote(): string {
  return randomBytes(6).toString("base64url").slice(0, 6);
}

/**
 * The metadata of a commit, in ASCII. What does not fit is left out: first the last ones of the handled offsets, then the note, then everything.
 * @param maxBytes the longest text
 * @returns `null`: there is no metadata
 */
export function writeMetadata(origin: CommitOrigin, offset: bigint, { note, ahead }: CommitContent, maxBytes: number): string | null {
  const { clusterId, topicId } = origin;
  if (topicId === null) return null;
  if (clusterId === null) return TOPIC_ONLY.length + topicId.length <= maxBytes ? TOPIC_ONLY + topicId : null;
  const plain = clusterText(clusterId) + Buffer.from(topicId, "hex").toString("base64url") + offset.toString(RADIX);
  const noted = note === null ? plain : `${plain}!${note}`;
  const handled = ahead === null ? "" : aheadText(offset, ahead, maxBytes - sealed(noted).length);
  return [sealed(noted + handled), sealed(plain)].find((text) => text.length <= maxBytes) ?? null;
}

/**
 * @returns `foreign`: the offset counts, and nothing else is known of it. `earlier-topic`: a member of a deleted topic of the same name
 * committed the offset, so it does not count
 */
export function readMetadata(
  { clusterId, topicId }: CommitOrigin,
  offset: bigint,
  metadata: string | null,
): CommitContent | "foreign" | "earlier-topic" {
  if (metadata === null || topicId === null) return "foreign";
  const named = TOPIC_ONLY_FORM.exec(metadata)?.groups;
  if (named !== undefined) return named["topic"] === topicId ? { note: null, ahead: null } : "earlier-topic";
  const found = FORM.exec(metadata)?.groups;
  if (found === undefined || clusterId === null || found["checksum"] !== checksum(found["body"]!)) return "foreign";
  // Tools that copy a group to another cluster copy its metadata beside other offsets.
  if (found["cluster"] !== clusterText(clusterId)) return "foreign";
  if (Buffer.from(found["topic"]!, "base64url").toString("hex") !== topicId) return "earlier-topic";
  if (found["offset"] !== offset.toString(RADIX)) return "foreign";
  const { note = null, epochs, handled } = found;
  if (epochs === undefined || handled === undefined) return { note, ahead: null };
  const ahead = readAhead(offset, epochs, handled);
  return ahead === null ? "foreign" : { note, ahead };
}

function sealed(body: string): string {
  return `streamport/1 ${checksum(body)}${body}`;
}

function checksum(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32c(Buffer.from(body, "latin1")));
  return bytes.toString("base64url");
}

/** Cluster ids have no fixed form, so a digest stands for them. */
function clusterText(clusterId: string): string {
  return createHash("sha256").update(clusterId).digest().subarray(0, 6).toString("base64url");
}

/** Empty: there is no room. */
function aheadText(offset: bigint, ahead: AheadOffsets, room: number): string {
  for (let count = Math.min(ahead.epochs.length, MAX_EPOCHS); count > 0; count -= 1) {
    const epochs = ahead.epochs.slice(0, count);
    const within = distancesWithin(ahead, Number(epochs.at(-1)!.endOffset - offset));
    if (within === null) return "";
    const written = writeDistances(within, room - epochsText(offset, epochs).length);
    if (written === null) continue;
    const end = offset + BigInt(written.distances.upTo) + 1n;
    return epochsText(offset, epochsBefore(epochs, end)) + written.text;
  }
  return "";
}

function epochsBefore(epochs: readonly EpochEnd[], end: bigint): readonly EpochEnd[] {
  const last = epochs.findIndex(({ endOffset }) => endOffset >= end);
  return last < 0 ? epochs : epochs.slice(0, last + 1);
}

/** Each epoch with the number of its offsets. The last one goes on to the end. */
function epochsText(offset: bigint, epochs: readonly EpochEnd[]): string {
  const parts = epochs.map(({ leaderEpoch, endOffset }, index) => {
    const begin = epochs[index - 1]?.endOffset ?? offset;
    const epoch = leaderEpoch.toString(RADIX);
    return index === epochs.length - 1 ? epoch : `${epoch}:${(endOffset - begin).toString(RADIX)}`;
  });
  return `@${parts.join()}=`;
}

function readAhead(offset: bigint, epochsText: string, handledText: string): AheadOffsets | null {
  const distances = readDistances(handledText);
  if (distances === null) return null;
  const end = offset + BigInt(distances.upTo) + 1n;
  const parts = epochsText.split(",");
  const epochs: EpochEnd[] = [];
  let begin = offset;
  for (const [index, part] of parts.entries()) {
    const [, epoch, count] = /^([0-9a-z]{1,6})(?::([0-9a-z]{1,10}))?$/.exec(part) ?? [];
    const isLast = index === parts.length - 1;
    if (epoch === undefined || (count === undefined) !== isLast) return null;
    const endOffset = count === undefined ? end : begin + BigInt(Number.parseInt(count, RADIX));
    if (endOffset <= begin || endOffset > end) return null;
    addEpoch(epochs, { leaderEpoch: Number.parseInt(epoch, RADIX), endOffset });
    begin = endOffset;
  }
  return { ...distances, epochs };
}
