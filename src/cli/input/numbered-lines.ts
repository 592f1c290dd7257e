import { StreamError } from "../../errors.ts";

/** One line of input, without its line break. */
export interface NumberedLine {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
}

/** Longer than any message of any provider, escapes included: a file without line breaks must not fill the memory. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/** Some editors and Windows shells write it at the beginning of a text. It is not part of the first line. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The lines of an input, in groups: all lines that end in one chunk. So typed lines are yielded at once, and lines of a file
 * by the hundred. Lines end with LF or CRLF, the last one also with the input. A byte order mark at the beginning is skipped.
 * @throws `too-large`
 */
export async function* numberedLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly NumberedLine[], void, void> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let number = 0;
  const finish = (end: Buffer): NumberedLine => {
    let bytes = begun.length === 0 ? end : Buffer.concat([...begun, end]);
    begun = [];
    begunBytes = 0;
    number += 1;
    if (number === 1 && bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(BYTE_ORDER_MARK.length);
    return { number, bytes: bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes };
  };
  for await (const chunk of chunks) {
    const lines: NumberedLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      lines.push(finish(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) {
      begun.push(chunk.subarray(from));
      begunBytes += chunk.length - from;
    }
    if (lines.length > 0) yield lines;
    if (begunBytes > LONGEST_LINE_BYTES) {
      throw new StreamError("too-large", `line ${number + 1} is longer than ${LONGEST_LINE_BYTES.toLocaleString("en")} bytes`);
    }
  }
  if (begun.length > 0) yield [finish(Buffer.alloc(0))];
}
