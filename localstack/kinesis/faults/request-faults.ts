import type { AppliedEffect } from "../../faults/fault-plan.ts";
import type { Shard } from "../streams/shard.ts";
import type { FaultEffect, FaultVariant, RefusedPart } from "./fault-effect.ts";

/** A fault, and the part of the call that it applies to; `undefined`: all of it. */
interface RequestFault {
  readonly effect: FaultEffect;
  readonly partition: string | undefined;
}

/** The error of one record in an answer to PutRecords. */
export interface EntryError {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** A record of a call that becomes invalid. */
export interface InvalidEntry {
  readonly index: number;
  readonly refused: RefusedPart;
}

type EffectOf<What extends FaultEffect["what"]> = Extract<FaultEffect, { readonly what: What }>;

/** The faults that apply to one call. */
export class RequestFaults {
  static readonly NONE = new RequestFaults([]);
  readonly #faults: readonly RequestFault[];

  constructor(applied: readonly AppliedEffect<readonly FaultVariant[]>[]) {
    this.#faults = applied.flatMap(({ effect: variants, turn, partition }) =>
      variants[turn % variants.length]!.map((effect) => ({ effect, partition })),
    );
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  has(what: FaultEffect["what"]): boolean {
    return this.#faults.some(({ effect }) => effect.what === what);
  }

  /** The longest time of this effect. */
  durationMs(what: "delay" | "stall-body"): number {
    return Math.max(0, ...this.#of(what).map(({ effect }) => effect.durationMs));
  }

  /** The error of the whole call, before it is carried out or after. */
  error(isStored: boolean): EffectOf<"error"> | null {
    return this.#of("error").find(({ effect }) => effect.isStored === isStored)?.effect ?? null;
  }

  /** The record that becomes invalid: the middle one of those that the fault applies to. */
  invalidEntry(shards: readonly Shard[]): InvalidEntry | null {
    const [fault] = this.#of("invalid-record");
    if (fault === undefined) return null;
    const meant = shards.flatMap((shard, index) => (appliesTo(fault, shard) ? [index] : []));
    const index = meant[meant.length >> 1];
    return index === undefined ? null : { index, refused: fault.effect.refused };
  }

  /** The error of a record that is not stored for it. */
  refusedEntry(shard: Shard): EntryError | null {
    const fault = this.#of("refuse-entries").find((each) => appliesTo(each, shard));
    return fault === undefined ? null : entryError(fault.effect.code, shard);
  }

  /** The error of a record that is stored nevertheless. */
  failedEntry(shard: Shard): EntryError | null {
    const fault = this.#of("fail-stored-entries").find((each) => appliesTo(each, shard));
    return fault === undefined ? null : entryError("InternalFailure", shard);
  }

  #of<What extends FaultEffect["what"]>(
    what: What,
  ): readonly { readonly effect: EffectOf<What>; readonly partition: string | undefined }[] {
    return this.#faults.filter((fault): fault is { effect: EffectOf<What>; partition: string | undefined } => fault.effect.what === what);
  }
}

export function entryError(code: string, { shardId }: Shard): EntryError {
  const ErrorMessage = code === "InternalFailure" ? "Internal service failure." : `Rate exceeded for shard ${shardId}.`;
  return { ErrorCode: code, ErrorMessage };
}

function appliesTo({ partition }: Pick<RequestFault, "partition">, { shardId }: Shard): boolean {
  return partition === undefined || partition === shardId;
}
