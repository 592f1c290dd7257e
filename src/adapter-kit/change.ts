import type { StreamError } from "../errors.ts";
import type { ProviderErrors } from "./provider-errors.ts";

/** How an adapter tells what may have happened to a change whose request failed. */
export interface ChangeErrors {
  readonly errors: ProviderErrors;
  readonly classify: (error: unknown) => StreamError;
  /** May the service have carried out the request that failed with this error? The answer was lost, or names no outcome. */
  readonly mayBeDone: (error: unknown) => boolean;
}

/**
 * Sends one request of the administration that changes something, once.
 * @throws a retryable `outcome-unknown` if the change may have been carried out · any other error of the request, as it is
 */
export async function change<Answer>({ errors, classify, mayBeDone }: ChangeErrors, request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    if (!mayBeDone(error)) throw error;
    throw errors.outcomeUnknown(`it is not known whether the change was carried out: ${classify(error).message}`, { cause: error });
  }
}
