import type { AppliedEffect } from "../../../faults/fault-plan.ts";
import { ErrorCode } from "../error-code.ts";
import type { FaultEffect, FaultVariant } from "./fault-effect.ts";

/** A fault, and the part of the request that it applies to; `undefined`: all of it. */
interface RequestFault {
  readonly effect: FaultEffect;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
}

/** The faults that apply to one request. A handler checks them where a server would find the same fault. */
export class RequestFaults {
  static readonly NONE = new RequestFaults([]);
  readonly #faults: readonly RequestFault[];
  readonly #invalidRecords = new Set<RequestFault>();

  constructor(applied: readonly AppliedEffect<readonly FaultVariant[]>[]) {
    this.#faults = applied.flatMap(({ effect: variants, turn, topic, partition }) =>
      variants[turn % variants.length]!.map((effect) => ({
        effect,
        topic,
        partition: partition === undefined ? undefined : Number(partition),
      })),
    );
  }

  has(what: FaultEffect["what"]): boolean {
    return this.#faults.some(({ effect }) => effect.what === what);
  }

  get delayMs(): number {
    return Math.max(0, ...this.#faults.map(({ effect }) => (effect.what === "delay" ? effect.durationMs : 0)));
  }

  /**
   * The code with which this part of the request is refused before it is carried out; 0: none.
   * @param authorizationCode the code of a missing permission for this part
   */
  refusalOf(authorizationCode: number, topic?: string, partition?: number): number {
    return this.#codeOf(false, authorizationCode, topic, partition);
  }

  /** The error code that is answered although this part of the request was carried out; 0: none. */
  codeAfter(topic: string, partition: number): number {
    return this.#codeOf(true, ErrorCode.topicAuthorizationFailed, topic, partition);
  }

  #codeOf(isStored: boolean, authorizationCode: number, topic?: string, partition?: number): number {
    for (const { effect, ...scope } of this.#faults) {
      if (effect.what !== "error" || effect.isStored !== isStored || !appliesTo(scope, topic, partition)) continue;
      return effect.errorCode === "authorization" ? authorizationCode : effect.errorCode;
    }
    return ErrorCode.none;
  }

  /** The code for a partition whose leader has to move, if it has no other replica; 0: its leader stays. */
  codeOfMove(isStored: boolean, topic: string, partition: number): number {
    for (const { effect, ...scope } of this.#faults) {
      if (effect.what === "move-leader" && effect.isStored === isStored && appliesTo(scope, topic, partition)) return effect.otherwise;
    }
    return ErrorCode.none;
  }

  /** Whether the broker loses the leadership of this partition. */
  stepsDown(topic: string, partition: number): boolean {
    return this.#faults.some(({ effect, ...scope }) => effect.what === "step-down" && appliesTo(scope, topic, partition));
  }

  /** Whether one record of this partition becomes invalid. A fault chooses the first partition that it applies to, and no other. */
  invalidates(topic: string, partition: number): boolean {
    const invalidating = this.#faults.find(
      ({ effect, ...scope }) => effect.what === "invalid-record" && appliesTo(scope, topic, partition),
    );
    if (invalidating === undefined || this.#invalidRecords.has(invalidating)) return false;
    this.#invalidRecords.add(invalidating);
    return true;
  }
}

/** If a part of a request names less than the fault, such as only a group, the fault applies to all of it. */
function appliesTo(scope: Pick<RequestFault, "topic" | "partition">, topic?: string, partition?: number): boolean {
  if (topic === undefined) return true;
  if (scope.topic !== undefined && scope.topic !== topic) return false;
  return partition === undefined || scope.partition === undefined || scope.partition === partition;
}
