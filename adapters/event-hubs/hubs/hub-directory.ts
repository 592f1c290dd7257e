import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { EventHubProducerClient } from "@azure/event-hubs";
import { SharedAnswers, abortable } from "../../../src/adapter-kit/index.ts";
import type { Report, TopicIdentity } from "../../../src/driver/index.ts";
import { ConnectionLost } from "../client/connection-watch.ts";
import type { HubClients } from "../client/hub-clients.ts";
import { isStuck } from "../errors.ts";

/** A hub as the service describes it. */
export interface HubInfo {
  readonly identity: TopicIdentity;
  readonly partitions: readonly string[];
}

/** A partition as the service describes it. */
export interface PartitionInfo {
  /** The oldest sequence number that retention has left; `next` where nothing is kept. */
  readonly begin: number;
  /** The sequence number that the next event gets. */
  readonly next: number;
  /** When the last event was stored; `null`: none is kept. */
  readonly lastStoredMs: number | null;
  /** The offset of the last event, kept or not. */
  readonly lastOffset: string;
}

/** A request that is not answered so soon is made once more: it changes nothing. So is one whose connection is lost. */
const FIRST_ATTEMPT_MS = 1_000;
/** How long a description is good enough: the service permits 50 such requests a second. */
const FRESH_MS = 1_000;

/** What the service says about hubs and partitions. */
export class HubDirectory {
  readonly #clients: HubClients;
  readonly #report: Report;
  readonly #hubs: SharedAnswers<HubInfo>;
  /** By hub and partition. */
  readonly #partitions: SharedAnswers<PartitionInfo>;

  /** @param closing ends requests that are shared by several callers */
  constructor(clients: HubClients, report: Report, closing: AbortSignal) {
    this.#clients = clients;
    this.#report = report;
    this.#hubs = new SharedAnswers(FRESH_MS, (name) => this.#describe(name, closing));
    this.#partitions = new SharedAnswers(FRESH_MS, (name) => {
      const slash = name.lastIndexOf("/");
      return this.partition(name.slice(0, slash), name.slice(slash + 1), closing);
    });
  }

  /** As it was within the last second. @throws `not-found` */
  hub(name: string, signal: AbortSignal): Promise<HubInfo> {
    return this.#hubs.recent(name, signal);
  }

  /** As it is now. */
  hubNow(name: string, signal: AbortSignal): Promise<HubInfo> {
    return this.#hubs.now(name, signal);
  }

  async #describe(name: string, abortSignal: AbortSignal): Promise<HubInfo> {
    this.#called("GetEventHubProperties", name);
    const { createdOn, partitionIds } = await this.#ask(name, abortSignal, (client, within) =>
      client.getEventHubProperties({ abortSignal: within }),
    );
    const incarnation = createdOn.toISOString();
    return { identity: { cluster: this.#clients.address.cluster, topic: name.toLowerCase(), incarnation }, partitions: partitionIds };
  }

  /** As it was at this time, by `performance.now()`, or later, and within the last second. What begins at the same time asks once. */
  partitionSince(atMs: number, hub: string, partition: string, signal: AbortSignal): Promise<PartitionInfo> {
    return this.#partitions.recent(`${hub}/${partition}`, signal, Math.max(atMs, performance.now() - FRESH_MS));
  }

  /** As it is now. */
  async partition(hub: string, partition: string, signal: AbortSignal): Promise<PartitionInfo> {
    this.#called("GetPartitionProperties", hub);
    const found = await this.#ask(hub, signal, (client, within) => client.getPartitionProperties(partition, { abortSignal: within }));
    const next = found.lastEnqueuedSequenceNumber + 1;
    const { lastEnqueuedOffset: lastOffset } = found;
    if (found.isEmpty) return { begin: next, next, lastStoredMs: null, lastOffset };
    return { begin: found.beginningSequenceNumber, next, lastStoredMs: found.lastEnqueuedOnUtc.getTime(), lastOffset };
  }

  async #ask<Answer>(
    hub: string,
    signal: AbortSignal,
    request: (client: EventHubProducerClient, within: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), FIRST_ATTEMPT_MS);
    try {
      return await this.#attempt(hub, AbortSignal.any([signal, late.signal]), request);
    } catch (error) {
      signal.throwIfAborted();
      if (!late.signal.aborted && !(error instanceof ConnectionLost)) throw error;
    } finally {
      clearTimeout(timer);
    }
    return this.#attempt(hub, signal, request);
  }

  async #attempt<Answer>(
    hub: string,
    signal: AbortSignal,
    request: (client: EventHubProducerClient, within: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const open = await this.#clients.producer(hub, signal);
    try {
      return await abortable(
        open.watch.during(signal, (within) => request(open.client, within)),
        signal,
      );
    } catch (error) {
      if (isStuck(error)) await this.#clients.dropProducer(hub, open);
      throw error;
    }
  }

  #called(operation: string, topic: string): void {
    if (this.#report.wants("call")) this.#report({ kind: "call", operation, topic, bytes: 0 });
  }
}
