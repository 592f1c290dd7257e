import { boundCredit } from "./bound-credit.ts";
import { ConnectionWatch, SILENT_MS } from "./connection-watch.ts";
import { IDLE_TIME_OUT_MS, announceIdleTimeOut } from "./idle-time-out.ts";
import { sendAtOnce } from "./send-at-once.ts";
import { TokenRenewals } from "./token-renewals.ts";

interface Client {
  getPartitionIds(options: { abortSignal: AbortSignal }): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * A client of the SDK that is connected before it is used. Where an attach is given up while the SDK opens the connection or the link for tokens, the client
 * hangs afterwards for a minute, or for good. So a request that nobody gives up comes first, and again after each loss of the connection.
 */
export class OpenClient<C extends Client> {
  readonly client: C;
  readonly watch: ConnectionWatch;
  readonly #renewals: TokenRenewals;
  readonly #endIdleTimeOut: () => void;
  readonly #life = new AbortController();
  #opened: Promise<void> | null = null;

  /**
   * @param idleTimeOutMs how often each connection has to hear of the service
   * @param silentMs how long a connection may be silent while a request waits for its answer
   */
  constructor(client: C, idleTimeOutMs = IDLE_TIME_OUT_MS, silentMs = SILENT_MS) {
    this.client = client;
    this.watch = new ConnectionWatch(client, silentMs);
    this.#endIdleTimeOut = announceIdleTimeOut(client, idleTimeOutMs);
    boundCredit(client);
    this.#renewals = new TokenRenewals(client);
  }

  /** @throws what the SDK says, as `not-found` of the hub */
  opened(): Promise<void> {
    if (this.#opened === null) {
      this.#opened = this.#open();
      // A caller that was aborted meanwhile does not look at it any more.
      this.#opened.catch(() => undefined);
    }
    return this.#opened;
  }

  async #open(): Promise<void> {
    const end = this.watch.watch(() => (this.#opened = null));
    try {
      await this.watch.during(this.#life.signal, (abortSignal) => this.client.getPartitionIds({ abortSignal }));
      sendAtOnce(this.client);
    } catch (error) {
      end();
      this.#opened = null;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#endIdleTimeOut();
    this.#life.abort();
    this.#renewals.endAll();
    try {
      await this.client.close();
    } finally {
      // A link may have been opened meanwhile.
      this.#renewals.endAll();
    }
  }
}
