import { RetryBackoff, type RetrySettings, pause, retrying } from "../../src/adapter-kit/index.ts";
import type { Fault, Report } from "../../src/driver/index.ts";
import type { MemoryBroker } from "./broker/broker.ts";
import type { CallTarget } from "./broker/faults.ts";
import { classify, memoryError, unavailable } from "./errors.ts";
import type { Profile } from "./profiles.ts";

const DEFAULT_STALL_MS = 1_000;
const FIRST_DELAY_MS = 5;

/** A call and how it is named in reports. */
export interface ServiceCall extends CallTarget {
  readonly operation: string;
  readonly bytes: number;
  readonly messages?: number | undefined;
}

/** The way from one connection to its broker: every call takes its time here and meets the faults planned for it. */
export class Service {
  readonly broker: MemoryBroker;
  readonly profile: Profile;
  readonly delayMs: number;
  readonly #report: Report;

  constructor(broker: MemoryBroker, profile: Profile, delayMs: number, report: Report) {
    this.broker = broker;
    this.profile = profile;
    this.delayMs = delayMs;
    this.#report = report;
  }

  /** Reports a call where somebody listens. */
  reportCall(call: ServiceCall): void {
    if (!this.#report.wants("call")) return;
    const { operation, topic, bytes, messages } = call;
    this.#report({ kind: "call", operation, topic, bytes, messages });
  }

  reportThrottle(operation: string, topic: string): void {
    if (this.#report.wants("throttle")) this.#report({ kind: "throttle", operation, topic, delayMs: null });
  }

  /**
   * One call that does not publish. `undefined` where it neither waits nor fails: then it costs no turn of the event loop.
   * @throws `unavailable`, `permission-denied`, or the signal's reason
   */
  enter(call: ServiceCall, signal: AbortSignal): Promise<void> | undefined {
    this.reportCall(call);
    const { faults } = this.broker;
    if (this.delayMs > 0 || !faults.isEmpty || signal.aborted) return this.#enterSlowly(call, signal);
    this.broker.requireUp();
    return undefined;
  }

  async #enterSlowly(call: ServiceCall, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.takeTime(signal);
    await this.applyFaults(this.broker.faults.take(call), call, signal);
    this.broker.requireUp();
  }

  /** The delay that every call takes. */
  async takeTime(signal: AbortSignal): Promise<void> {
    if (this.delayMs > 0) await waited(this.delayMs, signal);
  }

  /** Applies the faults that are the same for every call; those of publishing are left out. */
  async applyFaults(faults: readonly Fault[], call: ServiceCall, signal: AbortSignal): Promise<void> {
    for (const fault of faults) {
      if (fault.kind === "stall") await waited(fault.durationMs ?? DEFAULT_STALL_MS, signal);
      else if (fault.kind === "disconnect") throw unavailable("the connection broke before the call was carried out");
      else if (fault.kind === "expire-cursor") throw unavailable("the cursor has expired and has to be requested again");
      else if (fault.kind === "refuse-authorization") {
        throw memoryError("permission-denied", `${call.operation} is not permitted`, { topic: call.topic });
      } else this.broker.applyFault(fault);
    }
  }

  retrySettings(topic: string | undefined): RetrySettings {
    return { report: this.#report, topic, classify, initialDelayMs: FIRST_DELAY_MS };
  }

  /** Retries a call with back-off while its error is retryable. For polling and joining; never for publishing. */
  async retrying<Answer>(call: ServiceCall, signal: AbortSignal, action: () => Answer): Promise<Answer> {
    const backoff = new RetryBackoff(this.retrySettings(call.topic));
    return retrying(call.operation, backoff, signal, async () => {
      const entering = this.enter(call, signal);
      if (entering !== undefined) await entering;
      // The caller may have given up while the call was on its way. It must not be carried out then: a member that has left would stay in the group.
      signal.throwIfAborted();
      return action();
    });
  }
}

/** @throws the signal's reason */
async function waited(durationMs: number, signal: AbortSignal): Promise<void> {
  await pause(durationMs, signal);
  signal.throwIfAborted();
}
