import type { FieldDefinition, MessageDefinition } from "./protocol-definitions.ts";

/** Structures are objects by the names of their fields, with a small first letter. 64-bit numbers are bigints, and ids have Kafka's text form. */
export type Sample = number | bigint | string | boolean | Buffer | readonly Sample[] | SampleStruct;
export interface SampleStruct {
  readonly [name: string]: Sample;
}

export function isIn(versions: string | undefined, version: number): boolean {
  if (versions === undefined || versions === "none") return false;
  const [oldest, newest] = versions.endsWith("+") ? [Number.parseInt(versions, 10), Infinity] : versions.split("-").map(Number);
  return version >= oldest! && version <= (newest ?? oldest!);
}

const INTEGER_BYTES: Readonly<Record<string, number>> = { int8: 1, int16: 2, int32: 4, int64: 8 };

/** Writes and reads one version of a message by its definition alone. */
export class DefinedCodec {
  readonly #definition: MessageDefinition;
  readonly #version: number;
  readonly isFlexible: boolean;
  #counter = 0;

  constructor(definition: MessageDefinition, version: number) {
    this.#definition = definition;
    this.#version = version;
    this.isFlexible = isIn(definition.flexibleVersions, version);
  }

  /** A value with different content in every field. */
  sample(): Sample {
    return this.#sampleStruct(this.#definition.fields);
  }

  encode(sample: Sample): Buffer {
    return Buffer.concat(this.#writeStruct(this.#definition.fields, sample));
  }

  /** @throws if bytes are left over or missing */
  decode(bytes: Buffer): Sample {
    const input = { bytes, at: 0 };
    const value = this.#readStruct(this.#definition.fields, input);
    if (input.at !== bytes.length) throw new Error(`${bytes.length - input.at} bytes are left over`);
    return value;
  }

  #fieldsOf({ type, fields }: FieldDefinition): readonly FieldDefinition[] | undefined {
    const name = type.replace("[]", "");
    return fields ?? this.#definition.commonStructs?.find((struct) => struct.name === name)?.fields;
  }

  #plain(fields: readonly FieldDefinition[]): readonly FieldDefinition[] {
    return fields.filter(({ versions, taggedVersions }) => isIn(versions, this.#version) && !isIn(taggedVersions, this.#version));
  }

  #tagged(fields: readonly FieldDefinition[]): readonly FieldDefinition[] {
    return fields.filter(({ taggedVersions }) => isIn(taggedVersions, this.#version));
  }

  // ── Samples ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sampleStruct(fields: readonly FieldDefinition[]): Sample {
    const present = [...this.#plain(fields), ...this.#tagged(fields)];
    return Object.fromEntries(present.map((field) => [nameOf(field), this.#sampleField(field)]));
  }

  #sampleField(field: FieldDefinition): Sample {
    if (!field.type.startsWith("[]")) return this.#sampleOne(field);
    return [this.#sampleOne(field), this.#sampleOne(field)];
  }

  #sampleOne(field: FieldDefinition): Sample {
    const inner = this.#fieldsOf(field);
    if (inner !== undefined) return this.#sampleStruct(inner);
    this.#counter += 1;
    const number = this.#counter;
    switch (field.type.replace("[]", "")) {
      case "bool":
        return number % 2 === 0;
      case "string":
        return `text ${number}`;
      case "uuid":
        return Buffer.alloc(16, number).toString("base64url");
      case "bytes":
      case "records":
        return Buffer.alloc(4, number);
      case "int8":
        return number % 100;
      case "int64":
        return BigInt(number);
      default:
        return number;
    }
  }

  // ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #writeStruct(fields: readonly FieldDefinition[], sample: Sample): Buffer[] {
    const value = sample as SampleStruct;
    const pieces = this.#plain(fields).flatMap((field) => this.#writeField(field, value[nameOf(field)]!));
    if (!this.isFlexible) return pieces;
    const tagged = this.#tagged(fields);
    pieces.push(varint(tagged.length));
    for (const field of tagged) {
      const content = Buffer.concat(this.#writeField(field, value[nameOf(field)]!));
      pieces.push(varint(field.tag!), varint(content.length), content);
    }
    return pieces;
  }

  #writeField(field: FieldDefinition, value: Sample): Buffer[] {
    if (!field.type.startsWith("[]")) return this.#writeOne(field, value);
    const items = value as readonly Sample[];
    return [this.#length(items.length, 4), ...items.flatMap((item) => this.#writeOne(field, item))];
  }

  #writeOne(field: FieldDefinition, value: Sample): Buffer[] {
    const inner = this.#fieldsOf(field);
    if (inner !== undefined) return this.#writeStruct(inner, value);
    const type = field.type.replace("[]", "");
    switch (type) {
      case "bool":
        return [Buffer.from([value === true ? 1 : 0])];
      case "uuid":
        return [Buffer.from(value as string, "base64url")];
      case "string": {
        const text = Buffer.from(value as string);
        return [this.#length(text.length, 2), text];
      }
      case "bytes":
      case "records":
        return [this.#length((value as Buffer).length, 4), value as Buffer];
      default:
        return [bigEndian(BigInt(value as number | bigint), INTEGER_BYTES[type]!)];
    }
  }

  #length(length: number, plainBytes: number): Buffer {
    return this.isFlexible ? varint(length + 1) : bigEndian(BigInt(length), plainBytes);
  }

  // ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #readStruct(fields: readonly FieldDefinition[], input: Input): Sample {
    const value: Record<string, Sample> = {};
    for (const field of this.#plain(fields)) value[nameOf(field)] = this.#readField(field, input);
    if (!this.isFlexible) return value;
    for (let count = readVarint(input); count > 0; count -= 1) {
      const tag = readVarint(input);
      const size = readVarint(input);
      const field = this.#tagged(fields).find((one) => one.tag === tag);
      if (field === undefined) throw new Error(`there is no field with tag ${tag}`);
      const end = input.at + size;
      value[nameOf(field)] = this.#readField(field, input);
      if (input.at !== end) throw new Error(`the field with tag ${tag} has not the length that it says`);
    }
    return value;
  }

  #readField(field: FieldDefinition, input: Input): Sample {
    if (!field.type.startsWith("[]")) return this.#readOne(field, input);
    const length = this.#readLength(input, 4);
    return Array.from({ length }, () => this.#readOne(field, input));
  }

  #readOne(field: FieldDefinition, input: Input): Sample {
    const inner = this.#fieldsOf(field);
    if (inner !== undefined) return this.#readStruct(inner, input);
    const type = field.type.replace("[]", "");
    switch (type) {
      case "bool":
        return take(input, 1)[0] === 1;
      case "uuid":
        return take(input, 16).toString("base64url");
      case "string":
        return take(input, this.#readLength(input, 2)).toString("utf8");
      case "bytes":
      case "records":
        return take(input, this.#readLength(input, 4));
      case "int64":
        return readBigEndian(take(input, 8));
      default:
        return Number(readBigEndian(take(input, INTEGER_BYTES[type]!)));
    }
  }

  #readLength(input: Input, plainBytes: number): number {
    return this.isFlexible ? readVarint(input) - 1 : Number(readBigEndian(take(input, plainBytes)));
  }
}

interface Input {
  readonly bytes: Buffer;
  at: number;
}

function take(input: Input, count: number): Buffer {
  if (count < 0 || input.at + count > input.bytes.length) throw new Error("the message ends too early");
  input.at += count;
  return input.bytes.subarray(input.at - count, input.at);
}

function nameOf({ name }: FieldDefinition): string {
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
}

function bigEndian(value: bigint, bytes: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer.subarray(8 - bytes);
}

function readBigEndian(bytes: Buffer): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)]);
}

function readVarint(input: Input): number {
  const byte = take(input, 1)[0]!;
  return byte < 0x80 ? byte : (byte & 0x7f) + 128 * readVarint(input);
}
