import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Reads and writes one type. `Given` is what a writer accepts: fields with a default may be left out. */
export interface WireType<Value, Given = Value> {
  read(reader: WireReader): Value;
  write(writer: WireWriter, value: Given): void;
  /** The value in a version without the field. */
  readonly empty: Value;
}

interface Place {
  readonly oldest: number;
  readonly newest: number;
  readonly tag: number | null;
}

/**
 * A field of a message: its type, the versions that have it, and its tag if it is a tagged field. It corresponds to Kafka's message
 * definitions: `int32.since(7).or(-1)` is `"type": "int32", "versions": "7+", "default": "-1"`.
 */
export class Field<Value, Given = Value> implements WireType<Value, Given>, Place {
  readonly oldest: number;
  readonly newest: number;
  readonly tag: number | null;
  readonly #type: WireType<Value, Given>;

  constructor(type: WireType<Value, Given>, { oldest, newest, tag }: Place = { oldest: 0, newest: Infinity, tag: null }) {
    this.#type = type;
    this.oldest = oldest;
    this.newest = newest;
    this.tag = tag;
  }

  get empty(): Value {
    return this.#type.empty;
  }

  since(oldest: number): Field<Value, Given> {
    return new Field(this.#type, { ...this.#place, oldest });
  }

  until(newest: number): Field<Value, Given> {
    return new Field(this.#type, { ...this.#place, newest });
  }

  /** Sets the default: the value in a version without the field, and the value that is written if none is given. */
  or(fallback: Value & Given): Field<Value, Given | undefined> {
    const type = this.#type;
    const withDefault: WireType<Value, Given | undefined> = {
      empty: fallback,
      read: (reader) => type.read(reader),
      write: (writer, given) => type.write(writer, given === undefined ? fallback : given),
    };
    return new Field(withDefault, this.#place);
  }

  /** Makes it a tagged field, which is left out if no value is given. */
  tagged(tag: number): Field<Value, Given | undefined> {
    return new Field<Value, Given | undefined>(this.#type, { ...this.#place, tag });
  }

  get #place(): Place {
    return { oldest: this.oldest, newest: this.newest, tag: this.tag };
  }

  isIn(version: number): boolean {
    return version >= this.oldest && version <= this.newest;
  }

  read(reader: WireReader): Value {
    return this.#type.read(reader);
  }

  write(writer: WireWriter, value: Given): void {
    this.#type.write(writer, value);
  }
}
