import { memory } from "../../adapters/memory/index.ts";
import { parseMemoryUrl } from "../../adapters/memory/options.ts";
import type { CheckpointStore } from "../../src/migration/index.ts";
import { type Connection, StreamError, connect } from "../../src/index.ts";
import { overrideOpened } from "../mutants/mutant.ts";
import { override } from "../mutants/override.ts";

/**
 * A process that can be killed: from some step on nothing that it begins is carried out, and nothing that it waits for is answered. A step is the beginning
 * or the end of a write to the target, of a settlement of the group, and of the storing of a checkpoint.
 */
export class MortalProcess {
  readonly dead: Promise<void>;
  readonly #die: () => void;
  readonly #burial = Promise.withResolvers<never>();
  readonly #connections: Connection[] = [];
  #stepsLeft: number;

  /** @param steps after so many it is killed */
  constructor(steps: number) {
    this.#stepsLeft = steps;
    this.#burial.promise.catch(() => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.dead = promise;
    this.#die = resolve;
  }

  async connect(url: string): Promise<Connection> {
    const driver = overrideOpened(memory(parseMemoryUrl(url)), (opened) =>
      override(opened, {
        producer: (topic) => {
          const producer = opened.producer(topic);
          return override(producer, { write: (call, signal) => this.#step(() => producer.write(call, signal)) });
        },
        consumer: (topic, settings) => {
          const consumer = opened.consumer(topic, settings);
          return override(consumer, { settle: (settlements, signal) => this.#step(() => consumer.settle(settlements, signal)) });
        },
      }),
    );
    const connection = await connect(driver);
    this.#connections.push(connection);
    return connection;
  }

  checkpoints(store: CheckpointStore): CheckpointStore {
    return { read: (partition) => store.read(partition), write: (checkpoint) => this.#step(() => store.write(checkpoint)) };
  }

  /** Its connections break, so that the group notices. */
  async bury(): Promise<void> {
    this.#stepsLeft = 0;
    this.#burial.reject(new StreamError("closed", "the process is dead"));
    await Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: 1 })));
  }

  async #step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#mayStep()) return await this.#burial.promise;
    const result = await work();
    return this.#mayStep() ? result : await this.#burial.promise;
  }

  #mayStep(): boolean {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) this.#die();
    return this.#stepsLeft >= 0;
  }
}
