import type { AppliedEffect } from "../../faults/fault-plan.ts";
import type { FaultEffect, FaultVariant } from "./fault-effect.ts";

/** The faults that apply to one call. */
export class CallFaults {
  static readonly NONE = new CallFaults([]);
  readonly #effects: readonly { readonly effect: FaultEffect; readonly partition: string | undefined }[];

  constructor(applied: readonly AppliedEffect<readonly FaultVariant[]>[]) {
    this.#effects = applied.flatMap(({ effect: variants, turn, partition }) =>
      variants[turn % variants.length]!.map((effect) => ({ effect, partition })),
    );
  }

  /** All effects of one kind, in the order in which they were planned. */
  all<What extends FaultEffect["what"]>(what: What): readonly Extract<FaultEffect, { readonly what: What }>[] {
    return this.#effects
      .map(({ effect }) => effect)
      .filter((effect): effect is Extract<FaultEffect, { readonly what: What }> => effect.what === what);
  }

  has(what: FaultEffect["what"]): boolean {
    return this.#effects.some(({ effect }) => effect.what === what);
  }

  /** The error of an entry that goes to this partition. */
  entryError(partition: string): { readonly error: string; readonly message: string } | null {
    for (const { effect, partition: only } of this.#effects) {
      if (effect.what === "fail-entries" && (only === undefined || only === partition)) return effect;
    }
    return null;
  }
}
