import { ConnectionWatch } from "./connection-watch.ts";

interface Client {
  getPartitionIds(options: { abortSignal: AbortSignal }): Promise<readonly string[]>;
}

/**
 * A client of the SDK that is connected before it is used. Where an attach is given up while the SDK opens the connection or the link for tokens, the client
 * hangs afterwards for a minute, or for good. So a request that nobody gives up comes first, and again after each loss of the connection.
 */
export class OpenClient<C extends Client> {
  readonly client: C;
  readonly watch: ConnectionWatch;
  #opened: Promise<void> | null = null;

  constructor(client: C) {
    this.client = client;
    this.watch = new ConnectionWatch(client);
  }

  /** @throws what the SDK says, as `not-found` of the hub */
  opened(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<void> {
    const end = this.watch.watch(() => (this.#opened = null));
    try {
      await this.watch.during(new AbortController().signal, (abortSignal) => this.client.getPartitionIds({ abortSignal }));
    } catch (error) {
      end();
      this.#opened = null;
      throw error;
    }
  }
}
