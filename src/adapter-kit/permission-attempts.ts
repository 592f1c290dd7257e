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
