import { performance } from "node:perf_hooks";
import { abortable } from "../abortable.ts";

interface Asked<Answer> {
  readonly atMs: number;
  readonly answer: Promise<Answer>;
}

/**
 * What a service says about topics, for as long as it counts: concurrent calls share a request, and a failed one is forgotten. A shared request is
 * aborted by no caller's signal: `ask` ends it by itself, or with the connection.
 */
export class SharedAnswers<Answer> {
  readonly #freshMs: number;
  readonly #ask: (name: string) => Promise<Answer>;
  readonly #asked = new Map<string, Asked<Answer>>();

  /** @param freshMs how long an answer counts, from its request on */
  constructor(freshMs: number, ask: (name: string) => Promise<Answer>) {
    this.#freshMs = freshMs;
    this.#ask = ask;
  }

  /**
   * As it was a moment ago.
   * @param notBeforeMs an answer to a request from then on, by `performance.now()`; absent: one that still counts
   */
  recent(name: string, signal: AbortSignal, notBeforeMs = performance.now() - this.#freshMs): Promise<Answer> {
    const known = this.#asked.get(name);
    if (known !== undefined && known.atMs >= notBeforeMs) return abortable(known.answer, signal);
    return this.now(name, signal);
  }

  /** As it is now. */
  now(name: string, signal: AbortSignal): Promise<Answer> {
    const asked = { atMs: performance.now(), answer: this.#ask(name) };
    this.#asked.set(name, asked);
    asked.answer.catch(() => {
      if (this.#asked.get(name) === asked) this.#asked.delete(name);
    });
    return abortable(asked.answer, signal);
  }

  /** What was known counts no longer. */
  forget(name: string): void {
    this.#asked.delete(name);
  }
}
