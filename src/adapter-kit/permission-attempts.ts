import type { GuardedOperation, Permission } from "../driver/index.ts";

/** For services that report no permissions: what was tried, and whether it was permitted. */
export class PermissionAttempts {
  readonly #isDenied: (error: unknown) => boolean;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, boolean>();

  /** @param isDenied whether an error means that the call is not permitted */
  constructor(isDenied: (error: unknown) => boolean, signal: AbortSignal) {
    this.#isDenied = isDenied;
    this.#signal = signal;
  }

  /** `null`: it was not tried. */
  isAllowed(permission: string): boolean | null {
    return this.#found.get(permission) ?? null;
  }

  /** What is known of an operation that needs all of these. It lacks what was denied; where nothing was, it may lack what was not tried. */
  permissionTo(operation: GuardedOperation, needed: readonly string[]): Permission {
    const denied = needed.filter((permission) => this.isAllowed(permission) === false);
    if (denied.length > 0) return { operation, isAllowed: false, lacking: denied };
    const unknown = needed.filter((permission) => this.isAllowed(permission) === null);
    return { operation, isAllowed: unknown.length === 0 ? true : null, lacking: unknown };
  }

  /** @returns `null` where the call is not permitted. @throws any other error · the signal's reason */
  async attempt<Answer>(permission: string, ask: () => Promise<Answer>): Promise<Answer | null> {
    try {
      const answer = await ask();
      this.#found.set(permission, true);
      return answer;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!this.#isDenied(error)) throw error;
      this.#found.set(permission, false);
      return null;
    }
  }
}
