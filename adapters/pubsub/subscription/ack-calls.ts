import { pause } from "../../../src/adapter-kit/index.ts";
import { classify, isCode, pubsubError } from "../errors.ts";
import type { PubSubService } from "../service.ts";

/** A request may have 512 KiB, an id about 200 bytes: https://cloud.google.com/pubsub/quotas#resource_limits */
const IDS_PER_REQUEST = 2_000;
const TRIES = 5;
const FIRST_PAUSE_MS = 20;
const PERMANENT = "PERMANENT_FAILURE_";
const TRANSIENT = "TRANSIENT_FAILURE_";

/** Acknowledgements and deadlines of one subscription. Requests follow one another, so that the order of a key is kept. */
export class AckCalls {
  readonly #service: PubSubService;
  readonly #subscription: string;
  readonly #topic: string;
  /** As the stream says: then acknowledgements hold or fail one by one, and only a current lease counts. */
  isExactlyOnce = false;

  constructor(service: PubSubService, topic: string, subscription: string) {
    this.#service = service;
    this.#topic = topic;
    this.#subscription = subscription;
  }

  /** @param done ids that are settled: acknowledged, or lost for good @throws what can be tried again */
  async acknowledge(ackIds: readonly string[], signal: AbortSignal, done: (ackIds: readonly string[]) => void): Promise<void> {
    for (let at = 0; at < ackIds.length; at += IDS_PER_REQUEST) {
      await this.#settle("Acknowledge", ackIds.slice(at, at + IDS_PER_REQUEST), {}, signal, done);
    }
  }

  /** @param seconds from now on; 0: they are delivered again @returns the ids whose leases are lost */
  async modify(ackIds: readonly string[], seconds: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const lost = new Set<string>();
    for (let at = 0; at < ackIds.length; at += IDS_PER_REQUEST) {
      const chunk = ackIds.slice(at, at + IDS_PER_REQUEST);
      await this.#settle("ModifyAckDeadline", chunk, { ackDeadlineSeconds: seconds }, signal, (_, refused) => {
        for (const ackId of refused) lost.add(ackId);
      });
    }
    return lost;
  }

  async #settle(
    operation: "Acknowledge" | "ModifyAckDeadline",
    ackIds: readonly string[],
    more: object,
    signal: AbortSignal,
    done: (ackIds: readonly string[], refused: readonly string[]) => void,
  ): Promise<void> {
    let rest = ackIds;
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#request(operation, rest, more, signal);
        done(rest, []);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const reasons = reasonsOf(error);
        // A status that names ids has settled all others.
        const named = rest.filter((ackId) => reasons.has(ackId));
        if (named.length === 0) {
          if (!isCode(error, 3, 9) || classify(error).retryable) throw error;
          // Without names nobody knows which: halves are asked for, in their order.
          if (rest.length === 1) return done(rest, rest);
          const middle = Math.ceil(rest.length / 2);
          await this.#settle(operation, rest.slice(0, middle), more, signal, done);
          await this.#settle(operation, rest.slice(middle), more, signal, done);
          return;
        }
        const again = named.filter((ackId) => reasons.get(ackId)!.startsWith(TRANSIENT));
        const refused = named.filter((ackId) => reasons.get(ackId)!.startsWith(PERMANENT));
        done(
          rest.filter((ackId) => !again.includes(ackId)),
          refused,
        );
        if (again.length === 0) return;
        if (tries === TRIES) {
          const text = `the service takes ${again.length} of the acknowledgements later only: an earlier message of a key is not acknowledged yet, or the service is busy`;
          throw pubsubError("unavailable", text, { topic: this.#topic, cause: error });
        }
        rest = again;
        await pause(FIRST_PAUSE_MS * 2 ** tries, signal);
      }
    }
  }

  async #request(operation: string, ackIds: readonly string[], more: object, signal: AbortSignal): Promise<void> {
    if (ackIds.length === 0) return;
    const method = operation === "Acknowledge" ? "acknowledge" : "modifyAckDeadline";
    await this.#service.connection.subscriber(
      method,
      { subscription: this.#subscription, ackIds, ...more },
      `subscription=${encodeURIComponent(this.#subscription)}`,
      { operation, topic: this.#topic, messages: ackIds.length },
      signal,
    );
  }
}

/** By id why it failed, as the `ErrorInfo` of the status says. */
function reasonsOf(error: unknown): ReadonlyMap<string, string> {
  const { errorInfoMetadata } = (error ?? {}) as { readonly errorInfoMetadata?: Readonly<Record<string, string>> };
  const entries = Object.entries(errorInfoMetadata ?? {});
  return new Map(entries.filter(([, reason]) => reason.startsWith(PERMANENT) || reason.startsWith(TRANSIENT)));
}
