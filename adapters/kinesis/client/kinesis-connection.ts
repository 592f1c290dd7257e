import type { Report } from "../../../src/driver/index.ts";
import type { KinesisOptions } from "../options.ts";
import { AwsCalls, type CallFacts } from "./aws-calls.ts";
import { type AwsClients, createClients } from "./aws-clients.ts";
import { RequestSignal } from "./request-signal.ts";
import { type DynamoSdk, type KinesisSdk, loadSdk } from "./sdk.ts";

interface Opened {
  readonly clients: AwsClients;
  readonly kinesis: AwsCalls;
  readonly dynamo: AwsCalls;
}

/** A request that takes longer has failed: the service answers within a second or so, a large page within a few. */
const TIME_LIMIT_MS = 10_000;

/** One connection to both services. The clients are made at the first request. */
export class KinesisConnection {
  readonly #options: KinesisOptions;
  readonly #report: Report;
  readonly #timeLimitMs: number;
  readonly #closing = new AbortController();
  #opening: Promise<Opened> | null = null;
  #opened: Opened | null = null;

  constructor(options: KinesisOptions, report: Report, timeLimitMs = TIME_LIMIT_MS) {
    this.#options = options;
    this.#report = report;
    this.#timeLimitMs = timeLimitMs;
  }

  /** Aborts with the connection. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The service's clock, as far as answers have shown it. */
  get serviceNowMs(): number {
    return this.#opened?.kinesis.serviceNowMs ?? Date.now();
  }

  /** One request to Kinesis. @throws the SDK's error · a `TimeoutError` · the signal's reason */
  kinesis<Output>(command: (sdk: KinesisSdk) => object, facts: CallFacts, signal: AbortSignal): Promise<Output> {
    const send = ({ clients, kinesis }: Opened): Promise<Output> => kinesis.send(command(clients.sdk.kinesis), facts, signal);
    return this.#opened === null ? this.#open().then(send) : send(this.#opened);
  }

  /** One request to DynamoDB. */
  dynamo<Output>(command: (sdk: DynamoSdk) => object, facts: CallFacts, signal: AbortSignal): Promise<Output> {
    const send = ({ clients, dynamo }: Opened): Promise<Output> => dynamo.send(command(clients.sdk.dynamo), facts, signal);
    return this.#opened === null ? this.#open().then(send) : send(this.#opened);
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#create().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #create(): Promise<Opened> {
    const clients = await createClients(await loadSdk(), this.#options);
    const { client, leaseClient } = this.#options;
    // The transport of a client of the application may be of any kind.
    const calls = (made: object, given: object | undefined): AwsCalls =>
      new AwsCalls(made, this.#report, this.#timeLimitMs, () => (given === undefined ? new RequestSignal() : new AbortController()));
    this.#opened = { clients, kinesis: calls(clients.kinesis, client), dynamo: calls(clients.dynamo, leaseClient) };
    if (this.#closing.signal.aborted) clients.destroy();
    return this.#opened;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#opened?.clients.destroy();
  }
}
