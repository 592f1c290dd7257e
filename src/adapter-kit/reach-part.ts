import type { ReachedPart, StreamError } from "../driver/index.ts";

/** A part of a provider that has an address of its own. */
export interface PartToReach {
  /** As in `ReachedPart`. */
  readonly name: string;
  /** What to do where it cannot be reached. */
  readonly advice: string;
  /** Any error of the part as ours. */
  readonly classify: (error: unknown) => StreamError;
  /** Asks the part something that it answers at once. */
  readonly check: (signal: AbortSignal) => Promise<unknown>;
}

/** Whether this part can be reached, for `reach` of a driver. @throws the signal's reason */
export async function reachPart({ name, advice, classify, check }: PartToReach, signal: AbortSignal): Promise<ReachedPart> {
  try {
    await check(signal);
    return { name, error: null, advice: null };
  } catch (error) {
    signal.throwIfAborted();
    return { name, error: classify(error), advice };
  }
}
