import type { Consumer, ConsumerOptions } from "../../../../src/consume/consumer-types.ts";
import type { ConsumerSettings } from "../../../../src/driver/index.ts";
import type { LeaseGroupParts } from "../../../../src/leases/index.ts";
import { bench } from "../../consume/fake-driver.ts";
import type { Stack } from "../world/engine.ts";
import { Process, type VirtualClock } from "../world/virtual-clock.ts";
import type { Ledger, Name } from "./ledger.ts";

/** The session. Hand-overs wait for handlers in real time, for a part of it. */
export const SESSION_MS = 100;

export interface CoreMemberOptions extends Partial<ConsumerOptions> {
  /** Which messages its handlers hold until the test says so. @default all */
  readonly holds?: (message: Name) => boolean;
}

/** A member with the real core. Its handlers end when the test says so, or when their signal aborts. */
export class CoreMember {
  readonly name: string;
  readonly process: Process;
  /** All that was handed out, in this order. */
  readonly started: Name[] = [];
  /** What it ended with; `null`: nothing yet, or it left as it should. */
  failure: Error | null = null;
  readonly #ledger: Ledger;
  readonly #running = new Map<Name, () => void>();
  readonly #consumer: Consumer<string>;
  readonly #run: Promise<void>;

  /** @param partsOf the parts of its group, as its process sees them */
  constructor(
    name: string,
    { engine, createConsumer }: Stack,
    clock: VirtualClock,
    ledger: Ledger,
    partsOf: (process: Process) => LeaseGroupParts,
    { holds = () => true, ...options }: CoreMemberOptions,
  ) {
    this.name = name;
    this.process = new Process(clock);
    this.#ledger = ledger;
    const parts = partsOf(this.process);
    const consumer = (_topic: string, settings: ConsumerSettings) => engine.leaseConsumer(parts, settings);
    this.#consumer = createConsumer(bench({ driver: { consumer } }).context, {
      group: "billing",
      concurrency: 1_000,
      sessionTimeoutMs: SESSION_MS,
      ...options,
    });
    const handle = (message: Name, signal: AbortSignal): Promise<void> => {
      this.started.push(message);
      ledger.started(message, name);
      if (holds(message)) return this.#hold(message, signal);
      ledger.handled(message);
      return Promise.resolve();
    };
    this.#run = this.#consumer.run(({ value }, { signal }) => handle(value, signal)).catch((error: Error) => void (this.failure = error));
  }

  #hold(message: Name, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#running.delete(message);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#running.set(message, () => {
        signal.removeEventListener("abort", abort);
        resolve();
      });
    });
  }

  get running(): readonly Name[] {
    return [...this.#running.keys()];
  }

  get partitions(): readonly string[] {
    return this.#consumer.assigned;
  }

  finish(...messages: readonly Name[]): void {
    for (const message of messages) {
      const resolve = this.#running.get(message);
      if (resolve === undefined) throw new Error(`no handler of ${message} runs in ${this.name}`);
      this.#running.delete(message);
      this.#ledger.handled(message);
      resolve();
    }
  }

  finishAll(): void {
    this.finish(...this.running);
  }

  /** Leaves as a process does that is told to end: what still runs is aborted. */
  async leave(): Promise<void> {
    await this.#consumer.close({ timeoutMs: 1 });
    await this.#run;
  }
}
