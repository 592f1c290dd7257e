/** Values in the encoding of AMQP 1.0, each with its constructor. */
export const amqp = {
  nothing: (): Buffer => Buffer.from([0x40]),
  boolean: (value: boolean): Buffer => Buffer.from([value ? 0x41 : 0x42]),
  int(value: number): Buffer {
    const bytes = Buffer.alloc(5, 0x71);
    bytes.writeInt32BE(value, 1);
    return bytes;
  },
  short(value: number): Buffer {
    const bytes = Buffer.alloc(3, 0x61);
    bytes.writeInt16BE(value, 1);
    return bytes;
  },
  long: (value: number | bigint): Buffer => eightBytes(0x81, value),
  timestamp: (epochMs: number): Buffer => eightBytes(0x83, Math.trunc(epochMs)),
  string: (text: string): Buffer => sized(0xa1, 0xb1, Buffer.from(text, "utf8")),
  symbol: (text: string): Buffer => sized(0xa3, 0xb3, Buffer.from(text, "latin1")),
  binary: (bytes: Buffer): Buffer => sized(0xa0, 0xb0, bytes),
  list: (items: readonly Buffer[]): Buffer => (items.length === 0 ? Buffer.from([0x45]) : compound(0xd0, items)),
  /** @param items keys and values in turn */
  map: (items: readonly Buffer[]): Buffer => compound(0xd1, items),
  /** Clients expect the ids of partitions as an array, not as a list. */
  strings(texts: readonly string[]): Buffer {
    const items = texts.map((text) => {
      const bytes = Buffer.from(text, "utf8");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
    const content = Buffer.concat(items);
    const head = Buffer.alloc(10, 0xf0);
    head.writeUInt32BE(content.length + 5, 1);
    head.writeUInt32BE(texts.length, 5);
    head.writeUInt8(0xb1, 9);
    return Buffer.concat([head, content]);
  },
  /** A value with its descriptor, such as a section of a message. */
  described: (code: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([0x00, 0x53, code]), value]),
};

function eightBytes(code: number, value: number | bigint): Buffer {
  const bytes = Buffer.alloc(9, code);
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

function sized(small: number, large: number, content: Buffer): Buffer {
  if (content.length < 256) return Buffer.concat([Buffer.from([small, content.length]), content]);
  const head = Buffer.alloc(5, large);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

function compound(code: number, items: readonly Buffer[]): Buffer {
  const content = Buffer.concat(items);
  const head = Buffer.alloc(9, code);
  head.writeUInt32BE(content.length + 4, 1);
  head.writeUInt32BE(items.length, 5);
  return Buffer.concat([head, content]);
}

/** Of the descriptor of a section, of the head of a map, and of a value of eight bytes with its constructor. */
export const DESCRIPTOR_BYTES = 3;
export const MAP_HEAD_BYTES = 9;
export const FIXED_BYTES = 9;

/** Bytes of a string with its constructor. */
export function stringLength(text: string): number {
  const length = Buffer.byteLength(text);
  return length < 256 ? 2 + length : 5 + length;
}

/** Writes values one behind the other into a buffer whose length is known before. */
export class AmqpWriter {
  readonly target: Buffer;
  #at = 0;

  constructor(length: number) {
    this.target = Buffer.allocUnsafe(length);
  }

  bytes(bytes: Buffer): void {
    this.target.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  range(source: Buffer, start: number, end: number): void {
    source.copy(this.target, this.#at, start, end);
    this.#at += end - start;
  }

  descriptor(code: number): void {
    this.#byte(0x00);
    this.#byte(0x53);
    this.#byte(code);
  }

  /** @param items keys and values */
  mapHead(contentLength: number, items: number): void {
    this.#byte(0xd1);
    this.#uint32(contentLength + 4);
    this.#uint32(items);
  }

  long(value: number): void {
    this.#eightBytes(0x81, value);
  }

  timestamp(epochMs: number): void {
    this.#eightBytes(0x83, Math.trunc(epochMs));
  }

  string(text: string): void {
    const length = Buffer.byteLength(text);
    this.#byte(length < 256 ? 0xa1 : 0xb1);
    if (length < 256) this.#byte(length);
    else this.#uint32(length);
    this.target.write(text, this.#at, length, "utf8");
    this.#at += length;
  }

  /** An integer that a number holds exactly. */
  #eightBytes(code: number, value: number): void {
    this.#byte(code);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#at = this.target.writeInt32BE(high, this.#at);
    this.#uint32(value - high * 0x1_0000_0000);
  }

  #uint32(value: number): void {
    this.#at = this.target.writeUInt32BE(value, this.#at);
  }

  #byte(value: number): void {
    this.target[this.#at] = value;
    this.#at += 1;
  }
}
