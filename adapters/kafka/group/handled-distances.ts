/** Offsets that are handled, as distances from a committed offset. */
export interface HandledDistances {
  /** The distance of the last one. */
  readonly upTo: number;
  /** The distances before it that are not handled, ascending. All others are handled, or nothing is stored there. */
  readonly except: readonly number[];
}

/** A form of the distances, which may end before all of them. */
interface Written {
  readonly text: string;
  /** The number of distances that the text describes. */
  readonly length: number;
}

/** Offsets that are not handled, and the handled ones after them. */
interface Run {
  readonly unfinished: number;
  readonly handled: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES: ReadonlyMap<string, number> = new Map(DIGITS.split("").map((digit, value) => [digit, value]));
const BITS_PER_DIGIT = 6;
/** A run length has five bits in each digit, the lowest first. The sixth bit is set in all but its last digit. */
const CONTINUES = 32;
const RUN_LENGTHS = "r";
const BITMAP = "b";
/** A text with more unfinished offsets than a member can have is not used. */
const MAX_UNFINISHED = 100_000;

/**
 * Writes the distances as run lengths or as a bitmap: whichever reaches farther, then whichever is shorter.
 * @param room the longest text
 * @returns the text, and what it describes; `null` if there is no room
 */
export function writeDistances(
  distances: HandledDistances,
  room: number,
): { readonly text: string; readonly distances: HandledDistances } | null {
  const runs = runsOf(distances);
  const forms = [
    { kind: RUN_LENGTHS, ...runLengths(runs, room - 1) },
    { kind: BITMAP, ...bitmap(runs, room - 1) },
  ];
  const [best] = forms.toSorted((a, b) => b.length - a.length || a.text.length - b.text.length);
  if (best === undefined || best.length === 0) return null;
  return { text: best.kind + best.text, distances: distancesWithin(distances, best.length)! };
}

/** The distances before a limit, up to the last handled one; `null` if none of those is handled. */
export function distancesWithin({ upTo, except }: HandledDistances, limit: number): HandledDistances | null {
  const end = Math.min(limit, upTo + 1);
  const rest = except.filter((distance) => distance < end);
  let last = end - 1;
  while (last >= 0 && rest.at(-1) === last) {
    rest.pop();
    last -= 1;
  }
  return last < 0 ? null : { upTo: last, except: rest };
}

/** @returns `null` for a text that is not of this form */
export function readDistances(text: string): HandledDistances | null {
  const digits = Array.from(text.slice(1), (digit) => VALUES.get(digit) ?? -1);
  if (digits.includes(-1)) return null;
  if (text[0] === RUN_LENGTHS) return readRunLengths(digits);
  return text[0] === BITMAP ? readBitmap(digits) : null;
}

function runsOf({ upTo, except }: HandledDistances): readonly Run[] {
  const runs: Run[] = [];
  let index = 0;
  for (let at = 0; at <= upTo;) {
    const begin = at;
    for (; except[index] === at; at += 1) index += 1;
    const end = except[index] ?? upTo + 1;
    runs.push({ unfinished: at - begin, handled: end - at });
    at = end;
  }
  return runs;
}

function runLengths(runs: readonly Run[], room: number): Written {
  let text = "";
  let length = 0;
  let unfinishedBefore = 0;
  for (const { unfinished, handled } of runs) {
    const more = runLength(unfinished) + runLength(handled);
    unfinishedBefore += unfinished;
    if (text.length + more.length > room || unfinishedBefore > MAX_UNFINISHED) break;
    text += more;
    length += unfinished + handled;
  }
  return { text, length };
}

function runLength(length: number): string {
  let text = "";
  let rest = length;
  for (; rest >= CONTINUES; rest = Math.floor(rest / CONTINUES)) text += DIGITS[CONTINUES + (rest % CONTINUES)]!;
  return text + DIGITS[rest]!;
}

function readRunLengths(digits: readonly number[]): HandledDistances | null {
  const lengths: number[] = [];
  let scale = 1;
  let length = 0;
  for (const digit of digits) {
    length += (digit % CONTINUES) * scale;
    if (!Number.isSafeInteger(length)) return null;
    scale *= CONTINUES;
    if (digit >= CONTINUES) continue;
    lengths.push(length);
    length = 0;
    scale = 1;
  }
  if (scale !== 1 || lengths.length === 0 || lengths.length % 2 !== 0) return null;
  const except: number[] = [];
  let at = 0;
  for (const [index, run] of lengths.entries()) {
    if (run === 0 && index > 0) return null;
    if (index % 2 === 0) {
      if (except.length + run > MAX_UNFINISHED) return null;
      for (let distance = at; distance < at + run; distance += 1) except.push(distance);
    }
    at += run;
  }
  return Number.isSafeInteger(at) ? { upTo: at - 1, except } : null;
}

function bitmap(runs: readonly Run[], room: number): Written {
  const total = runs.reduce((sum, { unfinished, handled }) => sum + unfinished + handled, 0);
  const limit = Math.min(total, room * BITS_PER_DIGIT);
  const digits = new Uint8Array(Math.max(0, Math.ceil(limit / BITS_PER_DIGIT)));
  let at = 0;
  let length = 0;
  for (const { unfinished, handled } of runs) {
    at += unfinished;
    const end = at + handled;
    for (; at < Math.min(end, limit); at += 1) {
      digits[Math.floor(at / BITS_PER_DIGIT)]! |= CONTINUES >> (at % BITS_PER_DIGIT);
      length = at + 1;
    }
    if (end > limit) break;
  }
  const used = digits.subarray(0, Math.ceil(length / BITS_PER_DIGIT));
  return { text: Array.from(used, (digit) => DIGITS[digit]!).join(""), length };
}

function readBitmap(digits: readonly number[]): HandledDistances | null {
  const last = digits.at(-1) ?? 0;
  if (last === 0) return null;
  const except: number[] = [];
  let upTo = -1;
  for (let at = 0; at < digits.length * BITS_PER_DIGIT; at += 1) {
    const isHandled = (digits[Math.floor(at / BITS_PER_DIGIT)]! & (CONTINUES >> (at % BITS_PER_DIGIT))) !== 0;
    if (isHandled) upTo = at;
    else except.push(at);
  }
  return { upTo, except: except.filter((distance) => distance < upTo) };
}
