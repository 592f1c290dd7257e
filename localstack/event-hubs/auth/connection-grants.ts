import { clearTimeout, setTimeout } from "node:timers";
import { type Claim, type Grant, covers, entityOf } from "./access-policies.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What the tokens of one connection permit. A token that is put for the same audience takes the place of the former one. */
export class ConnectionGrants {
  readonly #grants = new Map<string, Grant>();
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onExpired called when tokens have expired: links that nothing permits any more have to end */
  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  put(audience: string, grant: Grant): void {
    this.#grants.set(entityOf(audience), grant);
    this.#watch();
  }

  /** @param entity as of `entityOf` */
  permits(entity: string, claim: Claim, nowMs: number): boolean {
    for (const [granted, { claims, expiresMs }] of this.#grants) {
      if (expiresMs > nowMs && covers(granted, entity) && claims.includes(claim)) return true;
    }
    return false;
  }

  /** Whether any token says something about the entity, whatever it permits. */
  knows(entity: string, nowMs: number): boolean {
    return [...this.#grants].some(([granted, { expiresMs }]) => expiresMs > nowMs && covers(granted, entity));
  }

  /** Whether any token is for something of which the path ends so. */
  hasFor(end: string, nowMs: number): boolean {
    return [...this.#grants].some(([granted, { expiresMs }]) => expiresMs > nowMs && granted.endsWith(end));
  }

  /** As if the time of all tokens had run out. */
  expireAll(): void {
    this.#grants.clear();
    this.#watch();
    this.#onExpired();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const next = Math.min(...[...this.#grants.values()].map(({ expiresMs }) => expiresMs));
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#expire(), Math.min(LONGEST_TIMER_MS, Math.max(1, next - Date.now())));
    this.#timer.unref();
  }

  #expire(): void {
    const nowMs = Date.now();
    const expired = [...this.#grants].filter(([, { expiresMs }]) => expiresMs <= nowMs);
    for (const [audience] of expired) this.#grants.delete(audience);
    this.#watch();
    if (expired.length > 0) this.#onExpired();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
