import { AmqpReader, type AmqpValue, MalformedAmqp, rawItemsOf } from "./amqp-reader.ts";

/** The sections of a message, by their descriptors: http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-messaging-v1.0-os.html#section-message-format */
export const Section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

/** Some bytes of a buffer, by numbers: a view of them for each part of each event that is kept was measured to let the garbage collector look at them for longer than all else took. */
export interface ByteRange {
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The constructor of `null`. */
export const NULL = 0x40;
const EMPTY = Buffer.alloc(0);
const ABSENT = -1;

/** A message as a client sent it, in parts that nobody looks into before somebody asks. */
export class MessageSections {
  readonly #bytes: Buffer;
  #headerStart = 0;
  #headerEnd = 0;
  #annotationsStart = ABSENT;
  #annotationsEnd = 0;
  #propertiesStart = ABSENT;
  #propertiesEnd = 0;
  #applicationPropertiesStart = ABSENT;
  #applicationPropertiesEnd = 0;
  #valueStart = ABSENT;
  #valueEnd = 0;
  #restStart = ABSENT;
  #restEnd = 0;
  /** Sections of the rest that others stand before. */
  #later: Buffer[] | null = null;
  /** Starts and ends in turn. */
  #data: number[] | null = null;
  hasSequence = false;

  /** @throws MalformedAmqp */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    const reader = new AmqpReader(bytes, start, end);
    while (!reader.isAtEnd) {
      const sectionStart = reader.offset;
      const code = reader.readDescriptor();
      const contentStart = reader.offset;
      reader.pass();
      this.#add(code, sectionStart, contentStart, reader.offset);
    }
  }

  #add(code: number, start: number, contentStart: number, end: number): void {
    switch (code) {
      case Section.header:
        [this.#headerStart, this.#headerEnd] = [start, end];
        return;
      case Section.messageAnnotations:
        [this.#annotationsStart, this.#annotationsEnd] = [contentStart, end];
        return;
      case Section.deliveryAnnotations:
        return;
      case Section.properties:
        [this.#propertiesStart, this.#propertiesEnd] = [contentStart, end];
        break;
      case Section.applicationProperties:
        [this.#applicationPropertiesStart, this.#applicationPropertiesEnd] = [contentStart, end];
        break;
      case Section.data:
        (this.#data ??= []).push(binaryStart(this.#bytes, contentStart), end);
        break;
      case Section.value:
        [this.#valueStart, this.#valueEnd] = [contentStart, end];
        break;
      case Section.sequence:
        this.hasSequence = true;
        break;
      case Section.footer:
        break;
      default:
        throw new MalformedAmqp(`a message has no section ${code.toString(16)}`);
    }
    // Sections that follow each other are one part: those of a batch are not copied.
    if (this.#restStart === ABSENT) this.#restStart = start;
    else if (this.#later !== null || this.#restEnd !== start) return void (this.#later ??= []).push(this.#bytes.subarray(start, end));
    this.#restEnd = end;
  }

  /** The section with its descriptor; empty where there is none. */
  get header(): ByteRange {
    return { source: this.#bytes, start: this.#headerStart, end: this.#headerEnd };
  }

  /** The map without the descriptor of its section; `null`: there is none. */
  get messageAnnotations(): Buffer | null {
    return this.#content(this.#annotationsStart, this.#annotationsEnd);
  }

  /** Likewise. */
  get properties(): Buffer | null {
    return this.#content(this.#propertiesStart, this.#propertiesEnd);
  }

  get applicationProperties(): Buffer | null {
    return this.#content(this.#applicationPropertiesStart, this.#applicationPropertiesEnd);
  }

  /** Properties, application properties, body and footer as they were sent. */
  get rest(): ByteRange {
    if (this.#restStart === ABSENT) return { source: EMPTY, start: 0, end: 0 };
    const first = { source: this.#bytes, start: this.#restStart, end: this.#restEnd };
    if (this.#later === null) return first;
    const together = Buffer.concat([viewOf(first), ...this.#later]);
    return { source: together, start: 0, end: together.length };
  }

  /** The content of the sections `data`, in order; `null`: the body is of another kind, or there is none. */
  get data(): readonly ByteRange[] | null {
    const bounds = this.#data;
    if (bounds === null) return null;
    return Array.from({ length: bounds.length / 2 }, (_, at) => ({
      source: this.#bytes,
      start: bounds[2 * at]!,
      end: bounds[2 * at + 1]!,
    }));
  }

  /** Has the body any byte in a section `data`? */
  get hasData(): boolean {
    const bounds = this.#data ?? [];
    for (let at = 0; at < bounds.length; at += 2) if (bounds[at] !== bounds[at + 1]) return true;
    return false;
  }

  /** The value of the section `value`; `undefined`: there is none. */
  get value(): Buffer | undefined {
    return this.#content(this.#valueStart, this.#valueEnd) ?? undefined;
  }

  #content(start: number, end: number): Buffer | null {
    return start === ABSENT ? null : this.#bytes.subarray(start, end);
  }
}

/** Not copied. */
export function viewOf({ source, start, end }: ByteRange): Buffer {
  return source.subarray(start, end);
}

/** @throws MalformedAmqp */
export function splitMessage(bytes: Buffer, start = 0, end = bytes.length): MessageSections {
  return new MessageSections(bytes, start, end);
}

/**
 * Where the content of a binary begins, whose constructor is at this place; it has a size of one byte or of four. The SDK of JavaScript sends `null` where it is
 * given no body.
 */
function binaryStart(bytes: Buffer, start: number): number {
  const code = bytes[start];
  if (code === NULL) return start + 1;
  if (code !== 0xa0 && code !== 0xb0) throw new MalformedAmqp("a data section holds no binary");
  return start + (code === 0xa0 ? 2 : 5);
}

/** An entry of a map of annotations or application properties. */
export interface RawEntry {
  readonly name: AmqpValue;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** @throws MalformedAmqp */
export function entriesOf(map: Buffer | null): readonly RawEntry[] {
  if (map === null) return [];
  const items = rawItemsOf(map);
  const entries: RawEntry[] = [];
  for (let index = 0; index + 1 < items.length; index += 2) {
    entries.push({ name: valueOf(items[index]!), key: items[index]!, value: items[index + 1]! });
  }
  return entries;
}

/** @throws MalformedAmqp */
export function valueOf(raw: Buffer): AmqpValue {
  return new AmqpReader(raw).read();
}
