import { setTimeout } from "node:timers";

type Listener = () => void;

interface Emitter {
  on(event: string, listener: Listener): unknown;
}

/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: {
    readonly connection?: Emitter;
    readonly senders?: Readonly<Record<string, { readonly partitionId?: string; readonly _sender?: Emitter }>>;
  };
}

/** As the SDK itself would code it. */
export class ConnectionLost extends Error {
  readonly code = "ConnectionLostError";
}

/** How soon the SDK has a new connection in the place of the broken one. */
const REPLACED_MS = 20;
const MOST_LOOKS = 100;

/**
 * Tells when the connection of a client is lost. The SDK does not: a batch whose connection or link ends before the answer fails only when the time of the
 * request is over, an attach likewise, and a receiver that waits for events goes on waiting. Where a version of the SDK has other parts inside, nothing is
 * told, and everything takes until its time-out.
 */
export class ConnectionWatch {
  readonly #client: Inner;
  readonly #waiting = new Set<Listener>();
  readonly #links = new WeakMap<Emitter, Set<Listener>>();
  #connection: Emitter | undefined;

  constructor(client: object) {
    this.#client = client;
  }

  /**
   * @param lost called at most once
   * @param lane of a publisher whose link counts as well; `null`: the link without a partition
   * @returns ends the watch
   */
  watch(lost: Listener, lane?: string | null): Listener {
    this.#follow();
    this.#waiting.add(lost);
    const ofLink = lane === undefined ? undefined : this.#watchersOf(lane);
    ofLink?.add(lost);
    return () => {
      this.#waiting.delete(lost);
      ofLink?.delete(lost);
    };
  }

  /** Carries out a request, whose signal aborts when the connection is lost. @throws ConnectionLost then */
  async during<Answer>(signal: AbortSignal, request: (within: AbortSignal) => Promise<Answer>, lane?: string | null): Promise<Answer> {
    const lost = new AbortController();
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined);
    const onAbort = (): void => lost.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    const end = this.watch(() => {
      failure.reject(new ConnectionLost("the connection was lost, or the service has ended the link, before the answer came"));
      lost.abort();
    }, lane);
    try {
      return await Promise.race([request(lost.signal), failure.promise]);
    } finally {
      end();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #follow(): void {
    const connection = this.#client._context?.connection;
    if (connection === undefined || connection === this.#connection) return;
    this.#connection = connection;
    connection.on("disconnected", () => {
      if (connection === this.#connection) this.#lost(connection);
    });
  }

  #lost(connection: Emitter): void {
    tell(this.#waiting);
    let looks = 0;
    const look = (): void => {
      this.#follow();
      looks += 1;
      if (this.#connection === connection && looks < MOST_LOOKS) setTimeout(look, REPLACED_MS).unref();
    };
    look();
  }

  #watchersOf(lane: string | null): Set<Listener> | undefined {
    const senders = Object.values(this.#client._context?.senders ?? {});
    const link = senders.find(({ partitionId }) => (partitionId ?? null) === lane)?._sender;
    if (link === undefined) return undefined;
    let watchers = this.#links.get(link);
    if (watchers === undefined) {
      watchers = new Set();
      this.#links.set(link, watchers);
      const all = watchers;
      link.on("sender_close", () => tell(all));
    }
    return watchers;
  }
}

function tell(listeners: Set<Listener>): void {
  const all = [...listeners];
  listeners.clear();
  for (const listener of all) listener();
}
