import { memory } from "../../adapters/memory/index.ts";
import { parseMemoryUrl } from "../../adapters/memory/options.ts";
import { type Connection, connect } from "../../src/index.ts";
import { overrideOpened } from "../mutants/mutant.ts";
import { override } from "../mutants/override.ts";

/** Writes that stop on their way, as those of a process that is stopped behind its last check, and arrive when it goes on. */
export class FrozenWrites {
  readonly #frozen = Promise.withResolvers<void>();
  readonly #thawed = Promise.withResolvers<void>();
  #writesLeft: number;
  #late = 0;

  /** @param writes after so many, all wait */
  constructor(writes: number) {
    this.#writesLeft = writes;
  }

  /** Resolves when the first write waits. */
  get frozen(): Promise<void> {
    return this.#frozen.promise;
  }

  /** How many parts of calls were written behind the freeze. */
  get late(): number {
    return this.#late;
  }

  async connect(url: string): Promise<Connection> {
    return await connect(
      overrideOpened(memory(parseMemoryUrl(url)), (opened) =>
        override(opened, {
          producer: (topic) => {
            const producer = opened.producer(topic);
            return override(producer, {
              write: async (call, signal) => {
                this.#writesLeft -= 1;
                if (this.#writesLeft >= 0) return await producer.write(call, signal);
                this.#frozen.resolve();
                await this.#thawed.promise;
                // What has left the process arrives, whatever the process learns meanwhile.
                const results = await producer.write(call, new AbortController().signal);
                this.#late += results.filter(({ outcome }) => outcome === "stored" || outcome === "each").length;
                return results;
              },
            });
          },
        }),
      ),
    );
  }

  thaw(): void {
    this.#thawed.resolve();
  }
}
