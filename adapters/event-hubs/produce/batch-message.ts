import type { OutgoingRecord } from "../../../src/driver/index.ts";
import { LOST_NAME, STAND_IN_NAME, TOMBSTONE_PROPERTY } from "../records.ts";

const NO_BYTES = new Uint8Array();
/** Sections with their descriptors; the SDK writes those of the header and the properties also where nothing is in them. */
const EMPTY_HEADER = Buffer.from([0x00, 0x53, 0x70, 0x45]);
const EMPTY_PROPERTIES = Buffer.from([0x00, 0x53, 0x73, 0x45]);
const ANNOTATIONS = Buffer.from([0x00, 0x53, 0x72]);
const APPLICATION_PROPERTIES = Buffer.from([0x00, 0x53, 0x74]);
const DATA = Buffer.from([0x00, 0x53, 0x75]);
/** The symbol of the annotation, with its constructor. */
const PARTITION_KEY = Buffer.from("\u00a3\u0013x-opt-partition-key", "latin1");
const TOMBSTONE = [TOMBSTONE_PROPERTY, Buffer.from("1")] as const;
const MAP = 0xd1;
const MAP_HEAD_BYTES = 9;
/** By the length of what follows. */
const BINARY = { short: 0xa0, long: 0xb0 };
const STRING = { short: 0xa1, long: 0xb1 };
const LONGEST_SHORT = 255;

/**
 * The message of a batch, as the SDK encodes a batch of the same events: a data section for each event, behind the annotations of the first one. The SDK
 * takes several times as long, since it makes objects of everything that it encodes. http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-messaging-v1.0-os.html
 * @param bufferOf memory of at least so many bytes
 */
export function batchMessage(
  records: readonly OutgoingRecord[],
  bufferOf = (length: number): Buffer => Buffer.allocUnsafe(length),
): Buffer {
  const { key = null } = records[0] ?? {};
  const lengths = records.map(eventLength);
  let length = EMPTY_HEADER.length + annotationsLength(key) + EMPTY_PROPERTIES.length;
  for (const ofEvent of lengths) length += DATA.length + sizedLength(ofEvent);
  const target = bufferOf(length);
  const writer = new Writer(target);
  writer.bytes(EMPTY_HEADER);
  writeAnnotations(writer, key);
  writer.bytes(EMPTY_PROPERTIES);
  records.forEach((record, index) => {
    writer.bytes(DATA);
    writer.head(BINARY, lengths[index]!);
    writeEvent(writer, record);
  });
  return target.subarray(0, length);
}

/** An event of a batch is a whole message itself. */
function eventLength(record: OutgoingRecord): number {
  const { key, value } = record;
  const ofValue = DATA.length + sizedLength(value === null ? 0 : value.length);
  return EMPTY_HEADER.length + annotationsLength(key) + EMPTY_PROPERTIES.length + propertiesLength(propertiesOf(record)) + ofValue;
}

function writeEvent(writer: Writer, record: OutgoingRecord): void {
  const value = record.value ?? NO_BYTES;
  writer.bytes(EMPTY_HEADER);
  writeAnnotations(writer, record.key);
  writer.bytes(EMPTY_PROPERTIES);
  writeProperties(writer, propertiesOf(record));
  writer.bytes(DATA);
  writer.head(BINARY, value.length);
  writer.bytes(value);
}

/** With its constructor and its size. */
function sizedLength(length: number): number {
  return length <= LONGEST_SHORT ? 2 + length : 5 + length;
}

function annotationsLength(key: Uint8Array | null): number {
  return key === null ? 0 : ANNOTATIONS.length + MAP_HEAD_BYTES + PARTITION_KEY.length + sizedLength(key.length);
}

function writeAnnotations(writer: Writer, key: Uint8Array | null): void {
  if (key === null) return;
  writer.bytes(ANNOTATIONS);
  writer.mapHead(PARTITION_KEY.length + sizedLength(key.length), 2);
  writer.bytes(PARTITION_KEY);
  writer.head(STRING, key.length);
  writer.bytes(key);
}

type Properties = readonly (readonly [name: string, value: Uint8Array])[];

const NO_PROPERTIES: Properties = [];

function propertiesOf({ value, headers }: OutgoingRecord): Properties {
  if (headers.length === 0) return value === null ? [TOMBSTONE] : NO_PROPERTIES;
  const properties = headers.map(([name, text]) => [name === LOST_NAME ? STAND_IN_NAME : name, text ?? NO_BYTES] as const);
  return value === null ? [...properties, TOMBSTONE] : properties;
}

function propertiesLength(properties: Properties): number {
  return properties.length === 0 ? 0 : APPLICATION_PROPERTIES.length + MAP_HEAD_BYTES + entriesLength(properties);
}

function entriesLength(properties: Properties): number {
  let length = 0;
  for (const [name, value] of properties) length += sizedLength(Buffer.byteLength(name)) + sizedLength(value.length);
  return length;
}

function writeProperties(writer: Writer, properties: Properties): void {
  if (properties.length === 0) return;
  writer.bytes(APPLICATION_PROPERTIES);
  writer.mapHead(entriesLength(properties), 2 * properties.length);
  for (const [name, value] of properties) {
    writer.text(name);
    writer.head(STRING, value.length);
    writer.bytes(value);
  }
}

/** Below this length copying byte by byte is faster than a call. */
const SHORT_COPY = 32;

class Writer {
  readonly #target: Buffer;
  #at = 0;

  constructor(target: Buffer) {
    this.#target = target;
  }

  bytes(source: Uint8Array): void {
    const target = this.#target;
    const { length } = source;
    if (length > SHORT_COPY) target.set(source, this.#at);
    else for (let index = 0; index < length; index += 1) target[this.#at + index] = source[index]!;
    this.#at += length;
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.head(STRING, length);
    this.#target.write(text, this.#at, length, "utf8");
    this.#at += length;
  }

  /** The constructor and the size of a binary or a string. */
  head(constructors: { readonly short: number; readonly long: number }, length: number): void {
    const isShort = length <= LONGEST_SHORT;
    this.#byte(isShort ? constructors.short : constructors.long);
    if (isShort) this.#byte(length);
    else this.#uint32(length);
  }

  /** @param items keys and values */
  mapHead(contentLength: number, items: number): void {
    this.#byte(MAP);
    this.#uint32(contentLength + 4);
    this.#uint32(items);
  }

  #byte(value: number): void {
    this.#target[this.#at] = value;
    this.#at += 1;
  }

  #uint32(value: number): void {
    this.#byte(value >>> 24);
    this.#byte((value >>> 16) & 0xff);
    this.#byte((value >>> 8) & 0xff);
    this.#byte(value & 0xff);
  }
}
