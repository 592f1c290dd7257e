import type { WireType } from "./field.ts";
import { type Fields, type GivenStruct, type ReadStruct, struct } from "./struct.ts";

/** One request of Kafka's protocol and its answer, for the versions that this broker serves. Both can be read and written. */
export interface Api<Request = unknown, Answer = unknown, GivenRequest = never, ReadAnswer = unknown> {
  readonly name: string;
  readonly key: number;
  readonly versions: { readonly oldest: number; readonly newest: number };
  /** From this version on, lengths are varints and structures have tagged fields. */
  readonly flexibleFrom: number;
  readonly request: WireType<Request, GivenRequest>;
  readonly answer: WireType<ReadAnswer, Answer>;
}

interface ApiDefinition<R extends Fields, A extends Fields> {
  readonly name: string;
  readonly key: number;
  readonly versions: readonly [oldest: number, newest: number];
  /** Absent: no version is flexible. */
  readonly flexibleFrom?: number;
  readonly request: R;
  readonly answer: A;
}

export type RequestOf<A> = A extends { readonly request: WireType<infer Request, never> } ? Request : never;
export type AnswerOf<A> = A extends { readonly answer: WireType<unknown, infer Answer> } ? Answer : never;

/** Defines a request. Names, numbers and layouts are those of https://kafka.apache.org/protocol. */
export function defineApi<R extends Fields, A extends Fields>(
  definition: ApiDefinition<R, A>,
): Api<ReadStruct<R>, GivenStruct<A>, GivenStruct<R>, ReadStruct<A>> {
  const { name, key, versions, flexibleFrom = Infinity } = definition;
  return {
    name,
    key,
    versions: { oldest: versions[0], newest: versions[1] },
    flexibleFrom,
    request: struct(definition.request),
    answer: struct(definition.answer),
  };
}
