import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { v1 } from "@google-cloud/pubsub";
import type { Duplex } from "node:stream";
import type { Report, StreamError } from "../../../src/driver/index.ts";
import { classify, credentialsRefused } from "../errors.ts";
import type { PubSubOptions } from "../options.ts";
import { fullName } from "../resource-name.ts";
import { type Endpoint, type ReachedEmulator, endpointOf } from "./endpoint.ts";
import { type PubSubSdk, loadSdk } from "./sdk.ts";

type Client = v1.PublisherClient | v1.SubscriberClient;

/** A stream of StreamingPull, as the SDK makes it. */
export type PullCall = Duplex & { cancel(): void };

/** What is reported of a request. */
export interface CallFacts {
  readonly operation: string;
  readonly topic?: string | undefined;
  readonly bytes?: number | undefined;
  readonly messages?: number | undefined;
}

interface StreamChannel {
  readonly client: Promise<v1.SubscriberClient>;
  streams: number;
}

/** Each request has one time-out; the SDK retries nothing. */
const TIME_LIMIT_MS = 10_000;
/** The service allows 100 streams on a connection, and requests need some. */
const STREAMS_PER_CHANNEL = 90;
/** A call that has been made begins in this turn of the event loop, and gRPC knows an address that needs no look-up in the next one. */
const ADDRESS_TURNS = 2;
/** The service ends streams by itself; none is to live for ever. */
export const STREAM_LIFE_MS = 900_000;

/** Before there is a connection only credentials can be wrong. */
const isUnknown = ({ code }: StreamError): boolean => code === "internal";

/** One connection to a project. Its clients, each with a channel of its own, are made when they are needed. */
export class PubSubConnection {
  readonly #options: PubSubOptions;
  readonly #report: Report;
  readonly #closing = new AbortController();
  readonly #clients = new Set<Promise<Client>>();
  readonly #channels: StreamChannel[] = [];
  #sdk: Promise<{ readonly sdk: PubSubSdk; readonly endpoint: Endpoint }> | null = null;
  #publisher: Promise<v1.PublisherClient> | null = null;
  #subscriber: Promise<v1.SubscriberClient> | null = null;
  #project: Promise<string> | null = null;

  constructor(options: PubSubOptions, report: Report) {
    this.#options = options;
    this.#report = report;
  }

  /** Aborts with the connection. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The emulator that this connection reaches; `null`: it is none. */
  async emulator(): Promise<ReachedEmulator | null> {
    return (await this.#load()).endpoint.emulator;
  }

  /** That of the options, else of the credentials. @throws what says that there is none */
  project(): Promise<string> {
    this.#project ??= this.#findProject().catch((error: unknown) => {
      this.#project = null;
      throw error;
    });
    return this.#project;
  }

  async #findProject(): Promise<string> {
    const known = this.#options.project ?? this.#options.client?.projectId ?? process.env["GOOGLE_CLOUD_PROJECT"];
    if (known !== undefined && known !== "" && known !== "{{projectId}}") return known;
    return (await this.#publisherClient()).getProjectId();
  }

  /** The complete name of a topic, a subscription or a snapshot. */
  async name(collection: "topics" | "subscriptions" | "snapshots", id: string): Promise<string> {
    return id.startsWith("projects/") ? id : fullName(await this.project(), collection, id);
  }

  /** One request to the publisher's half of the service. @throws the SDK's error · the signal's reason */
  async publisher<Answer>(method: string, request: object, routing: string, facts: CallFacts, signal: AbortSignal): Promise<Answer> {
    return this.#call<Answer>(await this.#publisherClient(), method, request, routing, facts, signal);
  }

  /** One request to the subscriber's half. */
  async subscriber<Answer>(method: string, request: object, routing: string, facts: CallFacts, signal: AbortSignal): Promise<Answer> {
    return this.#call<Answer>(await this.#subscriberClient(), method, request, routing, facts, signal);
  }

  /** What of these permissions on a resource the credentials have. */
  async permitted(resource: string, permissions: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const client = await this.#subscriberClient();
    this.#closing.signal.throwIfAborted();
    const [answer] = await client.testIamPermissions({ resource, permissions: [...permissions] } as never, {
      retry: null,
      timeout: TIME_LIMIT_MS,
    });
    signal.throwIfAborted();
    return answer.permissions ?? [];
  }

  async #call<Answer>(
    client: Client,
    method: string,
    request: object,
    routing: string,
    facts: CallFacts,
    signal: AbortSignal,
  ): Promise<Answer> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const startedMs = performance.now();
    const headers = { "x-goog-request-params": routing };
    const call = client.innerApiCalls[method]!(request, {
      retry: null,
      timeout: TIME_LIMIT_MS,
      // Else version 5 packs what is published at the same time into one request, also messages of different keys.
      isBundling: false,
      autoPaginate: false,
      otherArgs: { headers },
    }) as Promise<[unknown, unknown, Answer]> & { cancel(): void };
    const aborted = Promise.withResolvers<never>();
    const cancel = (): void => {
      aborted.reject(signal.reason);
      try {
        call.cancel();
      } catch {
        // The client throws where it was closed before it has begun the call, which then never settles.
      }
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const [answer, , raw] = await Promise.race([call, aborted.promise]);
      // With a page the first element holds only its items.
      return Array.isArray(answer) ? raw : (answer as Answer);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#reported(facts, performance.now() - startedMs);
    }
  }

  #reported({ operation, topic, bytes = 0, messages }: CallFacts, durationMs: number): void {
    if (this.#report.wants("call")) this.#report({ kind: "call", operation, topic, bytes, messages, durationMs });
  }

  /** Opens a StreamingPull; its first request names the subscription. */
  async stream(subscription: string): Promise<PullCall> {
    const channel = this.#channelWithRoom();
    channel.streams += 1;
    try {
      const client = await channel.client;
      this.#closing.signal.throwIfAborted();
      const otherArgs = { headers: { "x-goog-request-params": `subscription=${encodeURIComponent(subscription)}` } };
      const call = client.innerApiCalls["streamingPull"]!(null, { retry: null, timeout: STREAM_LIFE_MS, otherArgs }) as PullCall;
      call.once("close", () => (channel.streams -= 1));
      return call;
    } catch (error) {
      channel.streams -= 1;
      throw error;
    }
  }

  #channelWithRoom(): StreamChannel {
    const found = this.#channels.find(({ streams }) => streams < STREAMS_PER_CHANNEL);
    if (found !== undefined) return found;
    const made: StreamChannel = {
      client: this.#make(({ v1: { SubscriberClient } }, options) => new SubscriberClient(options as never)),
      streams: 0,
    };
    made.client.catch(() => this.#channels.splice(this.#channels.indexOf(made), 1));
    this.#channels.push(made);
    return made;
  }

  #publisherClient(): Promise<v1.PublisherClient> {
    this.#publisher ??= this.#make(({ v1: { PublisherClient } }, options) => new PublisherClient(options as never)).catch(
      (error: unknown) => {
        this.#publisher = null;
        throw error;
      },
    );
    return this.#publisher;
  }

  #subscriberClient(): Promise<v1.SubscriberClient> {
    this.#subscriber ??= this.#make(({ v1: { SubscriberClient } }, options) => new SubscriberClient(options as never)).catch(
      (error: unknown) => {
        this.#subscriber = null;
        throw error;
      },
    );
    return this.#subscriber;
  }

  #load(): Promise<{ readonly sdk: PubSubSdk; readonly endpoint: Endpoint }> {
    this.#sdk ??= loadSdk().then((sdk) => ({ sdk, endpoint: endpointOf(sdk, this.#options) }));
    return this.#sdk;
  }

  /** A client whose credentials are known to exist: it is never used otherwise, because its calls would then be rejected with nobody to hear it. */
  async #make<Made extends Client>(create: (sdk: PubSubSdk, options: Endpoint["clientOptions"]) => Made): Promise<Made> {
    const made = this.#load().then(async ({ sdk, endpoint }) => {
      this.#closing.signal.throwIfAborted();
      const client = create(sdk, endpoint.clientOptions);
      await client.initialize().catch((error: unknown) => {
        throw isUnknown(classify(error)) ? credentialsRefused(error) : error;
      });
      return client;
    });
    this.#clients.add(made);
    made.catch(() => this.#clients.delete(made));
    return made;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("The client has already been closed."));
    const closed = [...this.#clients].map(async (client) => {
      const made = await client;
      // A channel that is closed before its first call knows the address connects all the same, and nothing ends that connection.
      for (let turn = 0; turn < ADDRESS_TURNS; turn += 1) await nextTurn();
      await made.close();
    });
    await Promise.allSettled(closed);
  }
}
