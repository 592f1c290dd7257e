import type { AppliedEffect } from "../../faults/fault-plan.ts";
import { AmqpRefusal } from "../amqp-refusal.ts";
import type { FaultEffect, FaultVariants } from "./event-hubs-faults.ts";

/** An effect, and the partition that its fault names. */
export interface CallFault {
  readonly effect: FaultEffect;
  readonly topic: string | undefined;
  readonly partition: string | undefined;
}

/** The faults of one call. Who carries out the call asks for them where a server would find the same. */
export class CallFaults {
  readonly #faults: readonly CallFault[];

  constructor(applied: readonly AppliedEffect<FaultVariants>[]) {
    this.#faults = applied.map(({ effect: variants, turn, topic, partition }) => ({
      effect: variants[turn % variants.length]!,
      topic,
      partition,
    }));
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  all<What extends FaultEffect["what"]>(what: What): readonly (CallFault & { readonly effect: FaultEffect & { readonly what: What } })[] {
    return this.#faults.filter(
      (fault): fault is CallFault & { readonly effect: FaultEffect & { readonly what: What } } => fault.effect.what === what,
    );
  }

  has(what: FaultEffect["what"]): boolean {
    return this.all(what).length > 0;
  }

  get delayMs(): number {
    return Math.max(0, ...this.all("delay").map(({ effect }) => effect.durationMs));
  }

  /** How the connection ends before the call is carried out. */
  get disconnection(): "close" | "reset" | "bad-frame" | null {
    return this.all("disconnect")[0]?.effect.how ?? null;
  }

  /** The error that is answered, before the call is carried out or after. */
  refusal(what: "error" | "detach", isStored: boolean): AmqpRefusal | null {
    const fault = this.all(what).find(({ effect }) => effect.isStored === isStored);
    return fault === undefined ? null : new AmqpRefusal(fault.effect.condition, fault.effect.description);
  }

  /** For calls whose link ends in either case. @throws AmqpRefusal */
  refuseLink(): void {
    const refusal = this.refusal("error", false) ?? this.refusal("detach", false);
    if (refusal !== null) throw refusal;
  }

  /** The status of the error that is answered; `null`: none. */
  statusOf(isStored: boolean): number | null {
    return this.all("error").find(({ effect }) => effect.isStored === isStored)?.effect.status ?? null;
  }
}
