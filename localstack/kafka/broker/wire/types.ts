import { Field, type WireType } from "./field.ts";

/** The primitive types of Kafka's protocol, by its own names. */

export const int8 = new Field<number>({ empty: 0, read: (reader) => reader.int8(), write: (writer, value) => writer.int8(value) });
export const int16 = new Field<number>({ empty: 0, read: (reader) => reader.int16(), write: (writer, value) => writer.int16(value) });
export const int32 = new Field<number>({ empty: 0, read: (reader) => reader.int32(), write: (writer, value) => writer.int32(value) });
export const int64 = new Field<bigint>({ empty: 0n, read: (reader) => reader.int64(), write: (writer, value) => writer.int64(value) });

/** An int64 that holds a time or a duration. */
export const milliseconds = new Field<number>({
  empty: 0,
  read: (reader) => Number(reader.int64()),
  write: (writer, value) => writer.int64(BigInt(value)),
});

/** An int64 that a producer chose. It is a `bigint` only if a number would not be exact. */
export const storedTime = new Field<number | bigint>({
  empty: 0,
  read: (reader) => {
    const time = reader.int64();
    return Number.isSafeInteger(Number(time)) ? Number(time) : time;
  },
  write: (writer, value) => writer.int64(BigInt(value)),
});

export const boolean = new Field<boolean>({
  empty: false,
  read: (reader) => reader.int8() !== 0,
  write: (writer, value) => writer.int8(value ? 1 : 0),
});

/** Kafka's value for a missing id. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

export const uuid = new Field<string>({ empty: ZERO_UUID, read: (reader) => reader.uuid(), write: (writer, value) => writer.uuid(value) });

export const string = new Field<string>({
  empty: "",
  read: (reader) => reader.string() ?? "",
  write: (writer, value) => writer.string(value),
});

export const nullableString = new Field<string | null>({
  empty: null,
  read: (reader) => reader.string(),
  write: (writer, value) => writer.string(value),
});

const NO_BYTES = Buffer.alloc(0);

export const bytes = new Field<Buffer>({
  empty: NO_BYTES,
  read: (reader) => reader.bytes() ?? NO_BYTES,
  write: (writer, value) => writer.bytes(value),
});

/** Batches of records. They are read as one view into the request, and written from several pieces. */
export const records = new Field<Buffer, readonly Uint8Array[]>({
  empty: NO_BYTES,
  read: (reader) => reader.bytes() ?? NO_BYTES,
  write: (writer, value) => writer.pieces(value),
});

/** An array. A missing one is read as an empty one. */
export function array<Value, Given>(item: WireType<Value, Given>): Field<readonly Value[], readonly Given[]> {
  const nullable = nullableArray(item);
  return new Field({ empty: [], read: (reader) => nullable.read(reader) ?? [], write: (writer, items) => nullable.write(writer, items) });
}

export function nullableArray<Value, Given>(item: WireType<Value, Given>): Field<readonly Value[] | null, readonly Given[] | null> {
  return new Field<readonly Value[] | null, readonly Given[] | null>({
    empty: null,
    read(reader) {
      const count = reader.arrayLength();
      if (count === null) return null;
      const items: Value[] = [];
      for (let at = 0; at < count; at += 1) items.push(item.read(reader));
      return items;
    },
    write(writer, items) {
      writer.arrayLength(items === null ? null : items.length);
      for (const one of items ?? []) item.write(writer, one);
    },
  });
}
