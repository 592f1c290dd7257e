import { type StreamErrorCode, isStreamError } from "../../errors.ts";
import { showError } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";

/**
 * `opening`: its first use is under way. `closing`: `close` was called, and there is work to finish. The contract says how each call
 * ends in each state: with an answer or with a coded refusal. It always ends.
 */
export type LifecycleState = "opening" | "open" | "closing" | "closed";

type Outcome = "answers" | StreamErrorCode;

/** One public operation, and its allowed outcomes in each state. A state that does not apply to it is left out. */
export type LifecycleTrait<Part> = {
  readonly operation: string;
  /** May throw `PromiseViolation` if the answer is wrong. */
  call(part: Part, state: LifecycleState): unknown;
} & Readonly<Partial<Record<LifecycleState, Outcome | readonly Outcome[]>>>;

/**
 * Tries every operation in this state. While the part opens or closes, all are called in the same tick.
 * @param finish is called after all operations were called: it lets the opening or the closing continue
 */
export async function expectTraits<Part>(
  context: CaseContext,
  traits: readonly LifecycleTrait<Part>[],
  state: LifecycleState,
  part: Part,
  finish: () => void = () => undefined,
): Promise<void> {
  const isPassing = state === "opening" || state === "closing";
  const expected = traits.flatMap((trait) => (trait[state] === undefined ? [] : [{ trait, outcomes: [trait[state]].flat() }]));
  const calls: (() => Promise<void>)[] = [];
  for (const { trait, outcomes } of expected) {
    const promise = `${trait.operation} while ${state}`;
    const call = async (): Promise<void> => {
      const outcome = await context.within(
        outcomeOf(() => trait.call(part, state)),
        `${promise}: an answer or a refusal`,
      );
      if (!outcomes.includes(outcome)) throw new PromiseViolation(`${promise}: expected ${outcomes.join(" or ")}, got ${outcome}`);
    };
    if (isPassing) {
      const called = context.later(call());
      calls.push(async () => called);
    } else calls.push(call);
  }
  finish();
  for (const call of calls) await call();
}

async function outcomeOf(call: () => unknown): Promise<Outcome> {
  try {
    await call();
    return "answers";
  } catch (error) {
    if (isStreamError(error)) return error.code;
    if (error instanceof PromiseViolation) throw error;
    throw new PromiseViolation(`a refusal must be a coded error, not ${showError(error)}`, { cause: error });
  }
}
