import { Field, type WireType } from "./field.ts";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** The fields of a structure, in their order on the wire. */
export type Fields = Readonly<Record<string, Field<unknown, never>>>;

type ValueOf<F> = F extends Field<infer Value, never> ? Value : never;
// `Field` is invariant in `Given`, so the type is inferred from the parameter of `write`.
type GivenOf<F> = F extends { write(writer: WireWriter, value: infer Given): void } ? Given : never;

/** The value that is read. It has every field; a field that the version lacks has its default. */
export type ReadStruct<F extends Fields> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

type Optional<F extends Fields> = { [Name in keyof F]: undefined extends GivenOf<F[Name]> ? Name : never }[keyof F];

/** The value that is written. Fields with a default and tagged fields may be left out. */
export type GivenStruct<F extends Fields> = { readonly [Name in Exclude<keyof F, Optional<F>>]: GivenOf<F[Name]> } & {
  readonly [Name in Optional<F>]?: GivenOf<F[Name]>;
};

interface Layout {
  readonly plain: readonly (readonly [name: string, field: WireType<unknown>])[];
  readonly tagged: ReadonlyMap<number, readonly [name: string, field: WireType<unknown>]>;
}

/** A structure of the protocol. One definition serves all its versions. */
export function struct<F extends Fields>(fields: F): Field<ReadStruct<F>, GivenStruct<F>> {
  const entries = Object.entries(fields) as unknown as readonly (readonly [string, Field<unknown>])[];
  const empty = Object.fromEntries(entries.map(([name, field]) => [name, field.empty]));
  const layouts: Layout[] = [];

  const layoutOf = (version: number): Layout => {
    layouts[version] ??= {
      plain: entries.filter(([, field]) => field.tag === null && field.isIn(version)),
      tagged: new Map(entries.filter(([, { tag }]) => tag !== null).map(([name, field]) => [field.tag!, [name, field]])),
    };
    return layouts[version];
  };

  const read = (reader: WireReader): ReadStruct<F> => {
    const { plain, tagged } = layoutOf(reader.version);
    const value: Record<string, unknown> = { ...empty };
    for (const [name, field] of plain) value[name] = field.read(reader);
    if (reader.isFlexible) {
      reader.tags((tag, content) => {
        const known = tagged.get(tag);
        if (known !== undefined) value[known[0]] = known[1].read(content);
      });
    }
    return value as ReadStruct<F>;
  };

  const write = (writer: WireWriter, given: GivenStruct<F>): void => {
    const { plain, tagged } = layoutOf(writer.version);
    const value = given as Readonly<Record<string, unknown>>;
    for (const [name, field] of plain) field.write(writer, value[name]);
    if (!writer.isFlexible) return;
    const present = [...tagged].filter(([, [name]]) => value[name] !== undefined);
    writer.unsignedVarint(present.length);
    for (const [tag, [name, field]] of present) writer.tag(tag, (content) => field.write(content, value[name]));
  };

  return new Field({ empty: empty as ReadStruct<F>, read, write });
}
