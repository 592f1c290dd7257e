import { clearInterval, setInterval, setTimeout } from "node:timers";

type Listener = (lost: ConnectionLost) => void;

interface Emitter {
  on(event: string, listener: (context?: { readonly error?: unknown }) => void): unknown;
}

/** Of the AMQP library. */
interface AmqpConnection {
  readonly socket?: unknown;
  /** Runs out where nothing comes for too long: there is another one after each byte that has come, and a first one after the first that was sent. */
  readonly heartbeat_in?: unknown;
  abort_socket?(socket: unknown): void;
}

/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: {
    readonly connection?: Emitter & { readonly _connection?: AmqpConnection };
    readonly senders?: Readonly<Record<string, { readonly partitionId?: string; readonly _sender?: Emitter }>>;
  };
}

/** What the AMQP library throws at a message that it cannot read, by the names of errors. Its ProtocolError is about frames. */
const OF_CONTENT: ReadonlySet<string> = new Set(["TypeError", "RangeError"]);

/** As the SDK itself would code it. */
export class ConnectionLost extends Error {
  readonly code = "ConnectionLostError";
  /** What the AMQP library has thrown, where it has ended the connection because of a message; else `null`. No `cause`: it tells nothing of what was sent. */
  readonly unreadable: Error | null;

  constructor(message: string, ended?: unknown) {
    super(message);
    this.unreadable = ended instanceof Error && OF_CONTENT.has(ended.name) ? ended : null;
  }
}

/** A connection by which nothing at all has come for so long, while a request waits for its answer, counts as lost: less than a request may take. */
export const SILENT_MS = 10_000;
/** It is measured in so many steps: one is not over because this process was busy. */
const SILENT_STEPS = 10;

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
  readonly #silentMs: number;
  readonly #waiting = new Set<Listener>();
  readonly #links = new WeakMap<Emitter, Set<Listener>>();
  #connection: Emitter | undefined;

  /** @param silentMs how long a connection may be silent while a request waits for its answer */
  constructor(client: object, silentMs = SILENT_MS) {
    this.#client = client;
    this.#silentMs = silentMs;
  }

  /**
   * @param lost called at most once
   * @param lane of a publisher whose link counts as well; `null`: the link without a partition
   * @returns ends the watch
   */
  watch(lost: Listener, lane?: string | null): () => void {
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
    const end = this.watch((error) => {
      failure.reject(error);
      lost.abort();
    }, lane);
    const endSilence = this.#endWhenSilent();
    try {
      return await Promise.race([request(lost.signal), failure.promise]);
    } finally {
      endSilence();
      end();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Network devices forget connections without a word to either end. Ends the connection when nothing has come by it for so long. The AMQP library also
   * begins to count at its first own word, so that one look at the end would take that for an answer, and wait a minute for a connection that never opens.
   * @returns ends the watch
   */
  #endWhenSilent(): () => void {
    let connection = this.#amqpConnection;
    let heard = connection?.heartbeat_in;
    let silentSteps = 0;
    const timer = setInterval(() => {
      const current = this.#amqpConnection;
      const isSilent = current?.socket !== undefined && current === connection && current.heartbeat_in === heard;
      silentSteps = isSilent ? silentSteps + 1 : 0;
      connection = current;
      heard = current?.heartbeat_in;
      if (silentSteps >= SILENT_STEPS) current?.abort_socket?.(current.socket);
    }, this.#silentMs / SILENT_STEPS);
    return () => clearInterval(timer);
  }

  get #amqpConnection(): AmqpConnection | undefined {
    return this.#client._context?.connection?._connection;
  }

  #follow(): void {
    const connection = this.#client._context?.connection;
    if (connection === undefined || connection === this.#connection) return;
    this.#connection = connection;
    connection.on("disconnected", (context) => {
      if (connection === this.#connection) this.#lost(connection, context?.error);
    });
  }

  #lost(connection: Emitter, ended: unknown): void {
    tell(this.#waiting, new ConnectionLost("the connection was lost", ended));
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
      link.on("sender_close", () => tell(all, new ConnectionLost("the service has ended the link before the answer came")));
    }
    return watchers;
  }
}

function tell(listeners: Set<Listener>, lost: ConnectionLost): void {
  const all = [...listeners];
  listeners.clear();
  for (const listener of all) listener(lost);
}
