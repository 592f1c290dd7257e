/** A value that was read. Integers of 64 bits are bigint, times are milliseconds, UUIDs and binaries are bytes. A description is dropped. */
export type AmqpValue = null | boolean | number | bigint | string | Buffer | readonly AmqpValue[] | ReadonlyMap<AmqpValue, AmqpValue>;

/** Bytes that are no AMQP. */
export class MalformedAmqp extends Error {}

/** The constructor of nearly all descriptors: an unsigned integer of one byte. */
const SMALL_UNSIGNED = 0x53;

/** By the category of a constructor; the others say how many bytes follow. */
const FIXED_WIDTHS: Readonly<Record<number, number>> = { 0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16 };

/**
 * Reads the type system of AMQP 1.0: http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-types-v1.0-os.html. It is not that of rhea, so
 * that a defect of the client's codec cannot hide behind the same defect here.
 */
export class AmqpReader {
  readonly bytes: Buffer;
  offset: number;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#end;
  }

  /** The code that the value at this place is described by; symbols are not understood. @throws MalformedAmqp */
  readDescriptor(): number {
    if (this.#byte() !== 0x00) throw new MalformedAmqp("a described value was expected");
    if (this.bytes[this.offset] === SMALL_UNSIGNED) {
      this.offset += 1;
      return this.#byte();
    }
    const code = this.read();
    if (typeof code !== "number" && typeof code !== "bigint") throw new MalformedAmqp("a numeric descriptor was expected");
    return Number(code);
  }

  /** Skips one value, whatever is in it. @returns its bytes. @throws MalformedAmqp */
  skip(): Buffer {
    const start = this.offset;
    this.pass();
    return this.bytes.subarray(start, this.offset);
  }

  /** Likewise, for whoever does not need its bytes. @throws MalformedAmqp */
  pass(): void {
    const code = this.#byte();
    if (code === 0x00) {
      this.pass();
      this.pass();
      return;
    }
    this.#pass(this.#sizeOf(code));
  }

  #sizeOf(code: number): number {
    const category = code >> 4;
    if (category < 0x4) throw new MalformedAmqp(`there is no type ${code.toString(16)}`);
    const fixed = FIXED_WIDTHS[category];
    // From 0xa on the categories come in pairs: a size of one byte, and one of four.
    return fixed ?? this.#unsigned(category % 2 === 0 ? 1 : 4);
  }

  /** @throws MalformedAmqp */
  read(): AmqpValue {
    const code = this.#byte();
    if (code !== 0x00) return this.#valueOf(code);
    this.pass();
    return this.read();
  }

  #valueOf(code: number): AmqpValue {
    const value = this.#take(this.#sizeOf(code));
    switch (code) {
      case 0x40:
        return null;
      case 0x41:
        return true;
      case 0x42:
        return false;
      case 0x43:
      case 0x44:
        return 0;
      case 0x45:
        return [];
      case 0x56:
        return value[0] === 1;
      case 0x50:
      case 0x52:
      case 0x53:
        return value.readUInt8();
      case 0x51:
      case 0x54:
      case 0x55:
        return value.readInt8();
      case 0x60:
        return value.readUInt16BE();
      case 0x61:
        return value.readInt16BE();
      case 0x70:
      case 0x73:
        return value.readUInt32BE();
      case 0x71:
        return value.readInt32BE();
      case 0x72:
        return value.readFloatBE();
      case 0x80:
        return value.readBigUInt64BE();
      case 0x81:
        return value.readBigInt64BE();
      case 0x82:
        return value.readDoubleBE();
      case 0x83:
        return Number(value.readBigInt64BE());
      case 0xa1:
      case 0xb1:
        return value.toString("utf8");
      case 0xa3:
      case 0xb3:
        return value.toString("latin1");
      case 0xc0:
      case 0xd0:
        return itemsOf(value, code);
      case 0xc1:
      case 0xd1:
        return mapOf(itemsOf(value, code));
      default:
        // Binaries, UUIDs, decimals and arrays: nothing here looks into them.
        return value;
    }
  }

  #byte(): number {
    if (this.isAtEnd) throw new MalformedAmqp("the bytes end within a value");
    const byte = this.bytes[this.offset]!;
    this.offset += 1;
    return byte;
  }

  #unsigned(width: 1 | 4): number {
    const value = this.#byte();
    return width === 1 ? value : ((value << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte()) >>> 0;
  }

  #take(length: number): Buffer {
    const start = this.offset;
    this.#pass(length);
    return this.bytes.subarray(start, this.offset);
  }

  #pass(length: number): void {
    const end = this.offset + length;
    if (end > this.#end) throw new MalformedAmqp("the bytes end within a value");
    this.offset = end;
  }
}

/** The bytes of each item of a list or map, with its constructor. @throws MalformedAmqp */
export function rawItemsOf(compound: Buffer): readonly Buffer[] {
  const code = compound[0];
  if (code === 0x45) return [];
  if (code !== 0xc0 && code !== 0xc1 && code !== 0xd0 && code !== 0xd1) throw new MalformedAmqp("a list or map was expected");
  const isSmall = code < 0xd0;
  const reader = new AmqpReader(compound.subarray(isSmall ? 3 : 9));
  const count = isSmall ? compound.readUInt8(2) : compound.readUInt32BE(5);
  const items: Buffer[] = [];
  for (let index = 0; index < count; index += 1) items.push(reader.skip());
  return items;
}

function itemsOf(content: Buffer, code: number): readonly AmqpValue[] {
  const isSmall = code < 0xd0;
  const reader = new AmqpReader(content.subarray(isSmall ? 1 : 4));
  return Array.from({ length: isSmall ? content.readUInt8() : content.readUInt32BE() }, () => reader.read());
}

function mapOf(items: readonly AmqpValue[]): ReadonlyMap<AmqpValue, AmqpValue> {
  const map = new Map<AmqpValue, AmqpValue>();
  for (let index = 0; index + 1 < items.length; index += 2) map.set(items[index]!, items[index + 1]!);
  return map;
}
