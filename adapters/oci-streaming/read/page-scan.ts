import { BytePattern } from "./byte-pattern.ts";
import { MessagePlaces } from "./message-places.ts";
import { base64Bytes } from "./short-base64.ts";

const KEY = Buffer.from('"key":');
const NULL = new BytePattern(Buffer.from("null"));
const TO_VALUE = new BytePattern(Buffer.from(',"value":"'));
const TO_OFFSET = new BytePattern(Buffer.from('","offset":'));
const TO_TIMESTAMP = new BytePattern(Buffer.from(',"timestamp":"'));
const LEAST_BEHIND_KEY = TO_VALUE.length + TO_OFFSET.length + TO_TIMESTAMP.length;
const [QUOTE, BACKSLASH, COMMA, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x30, 0x39];
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
const NONE = -1;

/** @returns `null`: the page has another form */
export function placesIn(body: Buffer): MessagePlaces | null {
  return PageScan.of(body);
}

/** Looks through a page that has the form in which the service writes it. */
class PageScan {
  readonly #body: Buffer;
  readonly #view: DataView;
  /** What comes before each key. */
  readonly #head: BytePattern;
  /** The time of the last message, with what is around it: many messages are stored in the same millisecond. */
  #time: BytePattern;
  #timeMs = Number.NaN;
  readonly #found: MessagePlaces;

  private constructor(body: Buffer, head: BytePattern) {
    this.#body = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.length);
    this.#head = head;
    this.#time = head;
    this.#found = new MessagePlaces(head.length, Math.ceil(body.length / (head.length + LEAST_BEHIND_KEY)));
  }

  static of(body: Buffer): MessagePlaces | null {
    const keyAt = body.indexOf(KEY);
    if (body[0] !== ARRAY || body[1] !== OBJECT || keyAt === -1 || body.includes(BACKSLASH)) return null;
    const scan = new PageScan(body, new BytePattern(body.subarray(1, keyAt + KEY.length)));
    let at = 0;
    do at = scan.#message(at + 1);
    while (body[at] === COMMA);
    return body[at] === ARRAY_END && at + 1 === body.length ? scan.#found : null;
  }

  /** @returns where it ends; -1: it has another form */
  #message(item: number): number {
    const body = this.#body;
    const view = this.#view;
    const head = this.#head;
    if (!head.isAt(view, item)) return NONE;
    const key = item + head.length;
    const hasKey = body[key] === QUOTE;
    const keyEnd = hasKey ? endOfText(body, key + 1) + 1 : key + NULL.length;
    if ((!hasKey && !NULL.isAt(view, key)) || !TO_VALUE.isAt(view, keyEnd)) return NONE;
    const value = keyEnd + TO_VALUE.length;
    const valueEnd = body.indexOf(QUOTE, value);
    if (valueEnd === -1 || !TO_OFFSET.isAt(view, valueEnd)) return NONE;
    const offset = valueEnd + TO_OFFSET.length;
    const offsetEnd = endOfDigits(body, offset);
    if (offsetEnd === offset || !(this.#time.isAt(view, offsetEnd) || this.#newTime(offsetEnd))) return NONE;
    const bytes = (hasKey ? base64Bytes(body, key + 1, keyEnd - 1) : 0) + base64Bytes(body, value, valueEnd);
    this.#found.add(item, keyEnd, value, valueEnd, offset, bytes, this.#timeMs);
    return offsetEnd + this.#time.length;
  }

  #newTime(at: number): boolean {
    if (!TO_TIMESTAMP.isAt(this.#view, at)) return false;
    const from = at + TO_TIMESTAMP.length;
    const to = endOfText(this.#body, from);
    if (this.#body[to + 1] !== OBJECT_END) return false;
    this.#time = new BytePattern(this.#body.subarray(at, to + 2));
    this.#timeMs = Date.parse(this.#body.toString("latin1", from, to));
    return true;
  }
}

/** Of a short text: a call into Node would take longer. */
function endOfText(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && body[at] !== QUOTE) at += 1;
  return at;
}

function endOfDigits(body: Buffer, from: number): number {
  let at = from;
  while (body[at]! >= ZERO && body[at]! <= NINE) at += 1;
  return at;
}
