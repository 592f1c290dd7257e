import { type RetryEvent, type WarningEvent, channels } from "../../diagnostics/channels.ts";
import { describeCauses } from "../../conformance/error-causes.ts";

/** Prints what else the cases do not show: the causes of retries, warnings and failures, each with its case. */
export class CauseWatch implements Disposable {
  readonly #print: (line: string) => void;
  readonly #runningCase: () => string | undefined;
  readonly #retried = (event: unknown): void => {
    const { operation, topic, error } = event as RetryEvent;
    this.#report(`${operation}${topic === null ? "" : ` of ${topic}`} is retried`, error, `${error.code} (${error.message})`);
  };
  readonly #warned = (event: unknown): void => {
    const { topic, text } = event as WarningEvent;
    this.#report(`warning${topic === null ? "" : ` about ${topic}`}`, null, text);
  };

  /** @param runningCase the case that causes the present call */
  constructor(print: (line: string) => void, runningCase: () => string | undefined) {
    this.#print = print;
    this.#runningCase = runningCase;
    channels.retry.subscribe(this.#retried);
    channels.warning.subscribe(this.#warned);
  }

  failed(name: string, error: unknown): void {
    const causes = describeCauses(error);
    if (causes.length > 0) this.#print(`cause: ${name}: failed by ${causes.join(", by ")}`);
  }

  [Symbol.dispose](): void {
    channels.retry.unsubscribe(this.#retried);
    channels.warning.unsubscribe(this.#warned);
  }

  #report(what: string, error: unknown, text: string): void {
    const name = this.#runningCase();
    this.#print([`cause: ${name === undefined ? "" : `${name}: `}${what}: ${text}`, ...describeCauses(error)].join(", by "));
  }
}
