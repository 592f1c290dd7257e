import { isUtf8 } from "node:buffer";
import type { AvroReader } from "./avro-reader.ts";

/** A type of Avro, as far as values are checked: https://avro.apache.org/docs/1.11.1/specification/. Logical types are those that they are stored as. */
export interface AvroType {
  /** By which a union in JSON names it. */
  readonly name: string;
  fitsJson(value: unknown): boolean;
  /** Reads one value. @throws `RangeError` where there is none */
  read(reader: AvroReader): void;
}

const LARGEST_INT = 2 ** 31;
const LARGEST_LONG = 2 ** 63;

const isNumber = (value: unknown): boolean => typeof value === "number";
const isWhole = (value: unknown, bound: number): boolean => Number.isInteger(value) && Number(value) >= -bound && Number(value) < bound;
/** Bytes are the characters of the same numbers. */
const isByteText = (value: unknown): value is string => typeof value === "string" && !/[^\0-\u00ff]/.test(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function requireValue(isValue: boolean, what: string): void {
  if (!isValue) throw new RangeError(`there is no ${what}`);
}

const PRIMITIVES: readonly AvroType[] = [
  { name: "null", fitsJson: (value) => value === null, read: () => undefined },
  { name: "boolean", fitsJson: (value) => typeof value === "boolean", read: (reader) => requireValue(reader.byte() < 2, "boolean") },
  { name: "int", fitsJson: (value) => isWhole(value, LARGEST_INT), read: readInt },
  { name: "long", fitsJson: (value) => isWhole(value, LARGEST_LONG), read: (reader) => void reader.long() },
  { name: "float", fitsJson: isNumber, read: (reader) => void reader.skip(4) },
  { name: "double", fitsJson: isNumber, read: (reader) => void reader.skip(8) },
  { name: "bytes", fitsJson: isByteText, read: (reader) => void reader.skip(reader.length()) },
  {
    name: "string",
    fitsJson: (value) => typeof value === "string",
    read: (reader) => requireValue(isUtf8(reader.skip(reader.length())), "text"),
  },
];

function readInt(reader: AvroReader): void {
  const value = reader.long();
  requireValue(BigInt.asIntN(32, value) === value, "int");
}

/** The types that a definition has named so far, by their complete names. */
type Named = Map<string, AvroType>;

/** @param definition JSON, as parsed. @throws `TypeError` if it defines no type */
export function avroType(definition: unknown): AvroType {
  return typeOf(definition, new Map(PRIMITIVES.map((type) => [type.name, type])), "");
}

function typeOf(definition: unknown, named: Named, space: string): AvroType {
  if (typeof definition === "string") {
    const found = named.get(definition) ?? named.get(`${space}.${definition}`);
    if (found === undefined) throw new TypeError(`there is no type ${definition}`);
    return found;
  }
  if (Array.isArray(definition)) return union(definition.map((branch: unknown) => typeOf(branch, named, space)));
  if (!isObject(definition)) throw new TypeError("a type is a name, a union or an object");
  switch (definition["type"]) {
    case "record":
      return record(definition, named, space);
    case "enum":
      return declared(definition, named, space, enumOf(textsOf(definition["symbols"])));
    case "fixed":
      return declared(definition, named, space, fixed(definition["size"]));
    case "array":
      return array(typeOf(definition["items"], named, space));
    case "map":
      return map(typeOf(definition["values"], named, space));
    default:
      return typeOf(definition["type"], named, space);
  }
}

type Values = Omit<AvroType, "name">;

function declared(definition: Readonly<Record<string, unknown>>, named: Named, space: string, values: Values): AvroType {
  const name = nameOf(definition, space);
  const type = { name, ...values };
  named.set(name, type);
  return type;
}

function nameOf({ name, namespace = "" }: Readonly<Record<string, unknown>>, space: string): string {
  if (typeof name !== "string" || !/^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*$/.test(name)) throw new TypeError("a named type has no name");
  const own = String(namespace) === "" ? space : String(namespace);
  return name.includes(".") || own === "" ? name : `${own}.${name}`;
}

function record(definition: Readonly<Record<string, unknown>>, named: Named, space: string): AvroType {
  const fields = new Map<string, AvroType>();
  // A field may be of the record's own type.
  const type = declared(definition, named, space, {
    fitsJson: (value) => isObject(value) && [...fields].every(([name, field]) => Object.hasOwn(value, name) && field.fitsJson(value[name])),
    read: (reader) => {
      for (const field of fields.values()) field.read(reader);
    },
  });
  const { fields: given } = definition;
  if (!Array.isArray(given)) throw new TypeError("a record has no fields");
  const inner = type.name.slice(0, Math.max(0, type.name.lastIndexOf(".")));
  for (const field of given as readonly unknown[]) {
    if (!isObject(field) || typeof field["name"] !== "string") throw new TypeError("a field has no name");
    fields.set(field["name"], typeOf(field["type"], named, inner));
  }
  return type;
}

function textsOf(texts: unknown): readonly string[] {
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) throw new TypeError("an enum has no symbols");
  return texts;
}

function enumOf(symbols: readonly string[]): Values {
  return {
    fitsJson: (value) => symbols.includes(value as string),
    read: (reader) => requireValue(reader.length() < symbols.length, "symbol"),
  };
}

function fixed(size: unknown): Values {
  if (!Number.isInteger(size)) throw new TypeError("a fixed type has no size");
  return { fitsJson: (value) => isByteText(value) && value.length === size, read: (reader) => void reader.skip(Number(size)) };
}

function union(branches: readonly AvroType[]): AvroType {
  return {
    name: "union",
    fitsJson(value) {
      if (value === null) return branches.some(({ name }) => name === "null");
      const [entry, ...others] = isObject(value) ? Object.entries(value) : [];
      if (entry === undefined || others.length > 0) return false;
      return branches.find(({ name }) => name === entry[0])?.fitsJson(entry[1]) === true;
    },
    read(reader) {
      const branch = branches[reader.length()];
      requireValue(branch !== undefined, "branch");
      branch!.read(reader);
    },
  };
}

function array(items: AvroType): AvroType {
  return {
    name: "array",
    fitsJson: (value) => Array.isArray(value) && value.every((item) => items.fitsJson(item)),
    read: (reader) => readBlocks(reader, () => items.read(reader)),
  };
}

function map(values: AvroType): AvroType {
  return {
    name: "map",
    fitsJson: (value) => isObject(value) && Object.values(value).every((one) => values.fitsJson(one)),
    read: (reader) =>
      readBlocks(reader, () => {
        reader.skip(reader.length());
        values.read(reader);
      }),
  };
}

/** Blocks of items, each after their number; a negative one is followed by the block's bytes. The last block has none. */
function readBlocks(reader: AvroReader, readItem: () => void): void {
  for (let count = reader.long(); count !== 0n; count = reader.long()) {
    if (count < 0n) reader.length();
    for (let left = count < 0n ? -count : count; left > 0n; left -= 1n) readItem();
  }
}
