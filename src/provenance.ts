import { createHash } from "node:crypto";
import type { HeaderList } from "./driver/record.ts";
import type { TopicIdentity } from "./position/position.ts";
import { type StoredTime, toStoredTime } from "./stored-time.ts";

/** Where a migrated message comes from: what one copy has written into its header. */
export interface Provenance {
  /** Which log it was read from: `sourceIdOf`. */
  readonly source: string;
  /**
   * A decimal number that counts the copied messages of the source partition, from 1, in log order. It rises with the position, so two
   * messages of a source partition can be compared without the source. `null`: the source keeps no order in a partition.
   */
  readonly ordinal: string | null;
  /** The time of the message at the source. */
  readonly timestampMs: StoredTime;
  readonly partition: string;
  /** The source driver's own position. */
  readonly position: string;
}

/** Of the first copy. A message that is copied on gets `streamport-source-2`, and so on: no name repeats, and what is there stays. */
export const PROVENANCE_HEADER = "streamport-source";

/** So many copies of copies are told apart. */
const MOST_COPIES = 99;

const NO_ORDINAL = "-";
/** Everything else in a field is percent-encoded. */
const PLAIN_FIELD = /^[\x21-\x24\x26-\x7e]+$/;
const HEADER_VALUE = /^([A-Za-z0-9_-]{11}) ([1-9]\d*|-) (-?\d+) (\S+) (\S+)$/;

/** A short name of a log: of the provider, and of the cluster, the topic and its incarnation. The same in every process. */
export function sourceIdOf(provider: string, { cluster, topic, incarnation }: TopicIdentity): string {
  const text = JSON.stringify([provider, cluster, topic, incarnation]);
  return createHash("sha256").update(text).digest().subarray(0, 8).toString("base64url");
}

/** Makes the header values of the messages of one source partition. The common parts are encoded once. */
export function provenanceWriter(
  source: string,
  partition: string,
): (ordinal: string | null, timestampMs: StoredTime, position: string) => Uint8Array {
  const before = `${source} `;
  const between = ` ${encodeField(partition)} `;
  return (ordinal, timestampMs, position) =>
    Buffer.from(`${before}${ordinal ?? NO_ORDINAL} ${timestampMs}${between}${encodeField(position)}`, "latin1");
}

/** Which headers of a message are provenance. */
export interface ProvenanceTrail {
  /** In the order of the copies; the last is that of the copy that has written this message. */
  readonly copies: readonly Provenance[];
  /** The index of the header of the last one; -1: there is none. */
  readonly lastIndex: number;
}

const NO_TRAIL: ProvenanceTrail = Object.freeze({ copies: Object.freeze([]), lastIndex: -1 });

/** What the headers of a message say about former copies. A header of such a name in another form is not provenance. */
export function provenanceTrail(headers: HeaderList): ProvenanceTrail {
  let found: { readonly copy: number; readonly index: number; readonly provenance: Provenance }[] | null = null;
  for (const [index, [name, value]] of headers.entries()) {
    const copy = copyOf(name);
    const provenance = copy === 0 || value === null ? null : parseProvenance(value);
    if (provenance !== null) (found ??= []).push({ copy, index, provenance });
  }
  if (found === null) return NO_TRAIL;
  // Some services do not keep the order of headers.
  found.sort((a, b) => a.copy - b.copy);
  return { copies: found.map(({ provenance }) => provenance), lastIndex: found.at(-1)!.index };
}

/** What a copy from this log has written into the message; of several, the last. @param source `sourceIdOf` the log. @returns `null`: it was never there */
export function provenanceFrom(source: string, headers: HeaderList): Provenance | null {
  return headers.length === 0 ? null : (provenanceTrail(headers).copies.findLast((copy) => copy.source === source) ?? null);
}

/** The headers with one of another copy behind them. */
export function withProvenance(headers: HeaderList, value: Uint8Array): HeaderList {
  if (headers.length === 0) return [[PROVENANCE_HEADER, value]];
  let last = 0;
  for (const [name] of headers) last = Math.max(last, copyOf(name));
  return [...headers, [last === 0 ? PROVENANCE_HEADER : `${PROVENANCE_HEADER}-${last + 1}`, value]];
}

/** The headers as they were before the last copy. */
export function withoutProvenance(headers: HeaderList, { lastIndex }: ProvenanceTrail): HeaderList {
  return headers.filter((_, index) => index !== lastIndex);
}

/** 1 for the first copy, 2 for the second; 0: not a name of such a header. */
function copyOf(name: string): number {
  if (!name.startsWith(PROVENANCE_HEADER)) return 0;
  if (name.length === PROVENANCE_HEADER.length) return 1;
  const digits = /^-([1-9]\d?)$/.exec(name.slice(PROVENANCE_HEADER.length))?.[1];
  const copy = Number(digits ?? 0);
  return copy > 1 && copy <= MOST_COPIES ? copy : 0;
}

function parseProvenance(value: Uint8Array): Provenance | null {
  const match = HEADER_VALUE.exec(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1"));
  if (match === null) return null;
  const [, source, ordinal, time, partition, position] = match as unknown as readonly [string, string, string, string, string, string];
  const fields = [decodeField(partition), decodeField(position)] as const;
  if (fields[0] === null || fields[1] === null) return null;
  return {
    source,
    ordinal: ordinal === NO_ORDINAL ? null : ordinal,
    timestampMs: toStoredTime(BigInt(time)),
    partition: fields[0],
    position: fields[1],
  };
}

function encodeField(text: string): string {
  return PLAIN_FIELD.test(text) ? text : encodeURIComponent(text);
}

function decodeField(text: string): string | null {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
