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

/** A message as a client sent it, in parts that are not decoded before somebody asks. */
export interface MessageSections {
  /** The section with its descriptor; empty where there is none. */
  readonly header: Buffer;
  /** The map without the descriptor of its section; `null`: there is none. */
  readonly messageAnnotations: Buffer | null;
  /** Likewise. */
  readonly properties: Buffer | null;
  readonly applicationProperties: Buffer | null;
  /** Properties, application properties, body and footer as they were sent. */
  readonly rest: Buffer;
  /** The content of the sections `data`, in order; `null`: the body is of another kind, or there is none. */
  readonly data: readonly Buffer[] | null;
  /** The value of the section `value`; `undefined`: there is none. */
  readonly value: Buffer | undefined;
  readonly hasSequence: boolean;
}

/** @throws MalformedAmqp */
export function splitMessage(bytes: Buffer): MessageSections {
  const reader = new AmqpReader(bytes);
  // Sections that follow each other are one part: those of a batch are not copied.
  const rest: { readonly start: number; end: number }[] = [];
  let header: Buffer = EMPTY;
  let messageAnnotations: Buffer | null = null;
  let properties: Buffer | null = null;
  let applicationProperties: Buffer | null = null;
  let data: Buffer[] | null = null;
  let value: Buffer | undefined;
  let hasSequence = false;
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const code = reader.readDescriptor();
    const contentStart = reader.offset;
    reader.pass();
    const end = reader.offset;
    if (code === Section.header) header = bytes.subarray(start, end);
    else if (code === Section.messageAnnotations) messageAnnotations = bytes.subarray(contentStart, end);
    else if (code !== Section.deliveryAnnotations) {
      const last = rest.at(-1);
      if (last?.end === start) last.end = end;
      else rest.push({ start, end });
    }
    if (code === Section.properties) properties = bytes.subarray(contentStart, end);
    else if (code === Section.applicationProperties) applicationProperties = bytes.subarray(contentStart, end);
    else if (code === Section.data) (data ??= []).push(binaryOf(bytes, contentStart, end));
    else if (code === Section.value) value = bytes.subarray(contentStart, end);
    else if (code === Section.sequence) hasSequence = true;
    else if (code < Section.header || code > Section.footer) throw new MalformedAmqp(`a message has no section ${code.toString(16)}`);
  }
  const parts = rest.map(({ start, end }) => bytes.subarray(start, end));
  const together = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return { header, messageAnnotations, properties, applicationProperties, rest: together, data, value, hasSequence };
}

const EMPTY = Buffer.alloc(0);

/** The content of a binary with its constructor, which has a size of one byte or of four. The SDK of JavaScript sends `null` where it is given no body. */
function binaryOf(bytes: Buffer, start: number, end: number): Buffer {
  const code = bytes[start];
  if (code === 0x40) return EMPTY;
  if (code !== 0xa0 && code !== 0xb0) throw new MalformedAmqp("a data section holds no binary");
  return bytes.subarray(start + (code === 0xa0 ? 2 : 5), end);
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
