import { ErrorCode } from "../error-code.ts";
import type { FaultEffect } from "./fault-effect.ts";

/** What a request is about, as far as faults can name it. */
export interface CallSubject {
  /** With the partitions; `null`: the topic as a whole. */
  readonly topics: ReadonlyMap<string, readonly number[] | null>;
  readonly hasGroup: boolean;
}

/** A trouble, and the part of the request that it concerns; `undefined`: all of it. */
export interface RequestFault {
  readonly effect: FaultEffect;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
}

/** What befalls one request. Handlers ask it where a server would find the same trouble. */
export class RequestFaults {
  static readonly NONE = new RequestFaults([]);
  readonly #faults: readonly RequestFault[];
  readonly #invalidRecords = new Set<RequestFault>();

  constructor(met: readonly RequestFault[]) {
    this.#faults = met;
  }

  has(what: FaultEffect["what"]): boolean {
    return this.#faults.some(({ effect }) => effect.what === what);
  }

  get delayMs(): number {
    return Math.max(0, ...this.#faults.map(({ effect }) => (effect.what === "delay" ? effect.durationMs : 0)));
  }

  /**
   * The code that this part of the request is refused with before anything is done; 0: none.
   * @param authorizationCode what says that the one who asks may not
   */
  refusalOf(authorizationCode: number, topic?: string, partition?: number): number {
    return this.#codeOf(false, authorizationCode, topic, partition);
  }

  /** The code that hides that this part of the request was carried out; 0: none. */
  codeAfter(topic: string, partition: number): number {
    return this.#codeOf(true, ErrorCode.topicAuthorizationFailed, topic, partition);
  }

  #codeOf(isStored: boolean, authorizationCode: number, topic?: string, partition?: number): number {
    for (const { effect, ...planned } of this.#faults) {
      if (effect.what !== "error" || effect.isStored !== isStored || !concerns(planned, topic, partition)) continue;
      return effect.errorCode === "authorization" ? authorizationCode : effect.errorCode;
    }
    return ErrorCode.none;
  }

  /** Does another replica lead this partition now? The code that says so where there is none; 0: it does not move. */
  codeOfMove(isStored: boolean, topic: string, partition: number): number {
    for (const { effect, ...met } of this.#faults) {
      if (effect.what === "move-leader" && effect.isStored === isStored && concerns(met, topic, partition)) return effect.otherwise;
    }
    return ErrorCode.none;
  }

  /** Does the broker that is asked lead this partition no more? */
  stepsDown(topic: string, partition: number): boolean {
    return this.#faults.some(({ effect, ...met }) => effect.what === "step-down" && concerns(met, topic, partition));
  }

  /** Is one record of this partition to be invalid? That of the first partition that is met, and of no other. */
  invalidates(topic: string, partition: number): boolean {
    const spoiling = this.#faults.find(({ effect, ...planned }) => effect.what === "invalid-record" && concerns(planned, topic, partition));
    if (spoiling === undefined || this.#invalidRecords.has(spoiling)) return false;
    this.#invalidRecords.add(spoiling);
    return true;
  }
}

/** A part of a request that names less than the plan, such as a group, is met as a whole. */
function concerns(planned: Pick<RequestFault, "topic" | "partition">, topic?: string, partition?: number): boolean {
  if (topic === undefined) return true;
  if (planned.topic !== undefined && planned.topic !== topic) return false;
  return partition === undefined || planned.partition === undefined || planned.partition === partition;
}
