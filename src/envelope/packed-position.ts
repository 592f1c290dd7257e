import { StreamError } from "../errors.ts";
import type { PositionPlace } from "../position/place.ts";

/**
 * Positions within records that hold several messages. The service's own position (a sequence number, an offset) names a whole record, and
 * `<position>/<index>` one message of it, counted from 0. A record that holds one message has no index. In order: `7/0`, `7/1`, `7/10`, `7`, `8`:
 * a whole record is behind all its messages, so that a group whose place is behind it gets none of them.
 */

const SEPARATOR = "/";
const WHOLE_RECORD = Infinity;
/** More digits than any index in a frame has. */
const MAX_INDEX_DIGITS = 9;

/** The position of a message. @param record the service's position of the record, without a slash */
export function packedPosition(record: string, index: number, count: number): string {
  return count === 1 ? record : record + SEPARATOR + index;
}

/** The place of the first message of a record, also of one whose messages are not known. */
export function firstPosition(record: string): string {
  return record + SEPARATOR + 0;
}

/**
 * Order of two positions: negative, 0, positive.
 * @param compareRecords the order of the service's own positions
 * @throws `invalid-argument` for a malformed index, and what `compareRecords` throws
 */
export function comparePackedPositions(a: string, b: string, compareRecords: (a: string, b: string) => number): number {
  const slashOfA = a.lastIndexOf(SEPARATOR);
  const slashOfB = b.lastIndexOf(SEPARATOR);
  if (slashOfA < 0 && slashOfB < 0) return compareRecords(a, b);
  const indexOfA = indexBehind(a, slashOfA);
  const indexOfB = indexBehind(b, slashOfB);
  const order = compareRecords(recordBefore(a, slashOfA), recordBefore(b, slashOfB));
  return order !== 0 || indexOfA === indexOfB ? order : indexOfA - indexOfB;
}

/** Where to ask the service for records, and what to leave out of the first one. */
export interface RecordStart {
  /** The service's own position. */
  readonly record: string;
  /** Whether this record is read too. With `false` reading starts at the next one. */
  readonly isInclusive: boolean;
  /** The first message to hand out of exactly this record; later records are handed out whole. */
  readonly firstIndex: number;
}

/**
 * A place as a start: a place within a record starts at the record, and its messages before the place are left out.
 * @throws `invalid-argument` for a malformed index
 */
export function recordStart({ kind, position }: PositionPlace): RecordStart {
  const slash = position.lastIndexOf(SEPARATOR);
  const record = recordBefore(position, slash);
  const index = indexBehind(position, slash);
  if (index === WHOLE_RECORD) return { record, isInclusive: kind === "at", firstIndex: 0 };
  return { record, isInclusive: true, firstIndex: kind === "at" ? index : index + 1 };
}

function recordBefore(position: string, slash: number): string {
  return slash < 0 ? position : position.slice(0, slash);
}

function indexBehind(position: string, slash: number): number {
  if (slash < 0) return WHOLE_RECORD;
  const digits = position.length - slash - 1;
  const startsWithZero = position.charCodeAt(slash + 1) === 0x30;
  let index = 0;
  for (let at = slash + 1; at < position.length; at += 1) {
    const digit = position.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) throw malformed(position);
    index = index * 10 + digit;
  }
  if (digits === 0 || digits > MAX_INDEX_DIGITS || (startsWithZero && digits > 1)) throw malformed(position);
  return index;
}

function malformed(position: string): StreamError {
  return new StreamError(
    "invalid-argument",
    `behind the slash of a position is the number of a message, 0 or a decimal number without leading zeros of up to ${MAX_INDEX_DIGITS} digits; received a position of ${position.length} characters`,
  );
}
