import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { change, pause } from "../../../src/adapter-kit/index.ts";
import { PUBSUB_ERRORS, classify, isCode, mayBeDone, pubsubError } from "../errors.ts";
import type { PubSubService } from "../service.ts";
import type { WireSeconds } from "../topic-directory.ts";
import { wireTime } from "./wire-time.ts";

/** What the service says of a subscription, as far as it is looked at. */
export interface SubscriptionFacts {
  readonly name: string;
  /** `_deleted-topic_` when its topic is gone. */
  readonly topic: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly enableMessageOrdering?: boolean | null;
  readonly enableExactlyOnceDelivery?: boolean | null;
  readonly detached?: boolean | null;
  readonly filter?: string | null;
  readonly pushConfig?: { readonly pushEndpoint?: string | null } | null;
  readonly bigqueryConfig?: object | null;
  readonly cloudStorageConfig?: object | null;
  readonly expirationPolicy?: { readonly ttl?: WireSeconds | null } | null;
}

/** The settings that are given here; the service has defaults for the others. */
interface NewSubscription {
  readonly name: string;
  readonly topic: string;
  readonly enableMessageOrdering: true;
  readonly enableExactlyOnceDelivery: boolean;
  readonly ackDeadlineSeconds: number;
  readonly messageRetentionDuration?: WireSeconds;
  /** Without `ttl`: it is never removed. */
  readonly expirationPolicy: { readonly ttl?: WireSeconds };
  readonly labels: Readonly<Record<string, string>>;
}

interface ListedSubscriptions {
  readonly subscriptions?: readonly SubscriptionFacts[] | null;
  readonly nextPageToken?: string | null;
}

/** Where a seek goes. */
export type SeekTarget = { readonly timestampMs: number } | { readonly snapshot: string };

/** What was created a moment ago may not be found everywhere. */
const LEAST_SETTLING_MS = 2_000;

/** How long NOT_FOUND says nothing of what was created. */
export function settlingMs({ seekSettlingMs }: PubSubService): number {
  return Math.max(seekSettlingMs, LEAST_SETTLING_MS);
}
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
/** The shortest that the service allows; its messages must not live longer. */
const TEMPORARY_SECONDS = 86_400;

/** For `change`. */
export const CHANGE = { errors: PUBSUB_ERRORS, classify, mayBeDone };

/** Marks what belongs to a reader and may be removed when it is old. */
export const OWNER_LABEL = "streamport-owner";
/** Such a subscription is a reader's, and no group. */
export const READER = "reader";
const PAGE = 1_000;

/** Calls about subscriptions and snapshots. Names are complete. */
export class Subscriptions {
  readonly #service: PubSubService;

  constructor(service: PubSubService) {
    this.#service = service;
  }

  #call<Answer>(operation: string, request: object, resource: string, signal: AbortSignal): Promise<Answer> {
    const method = `${operation[0]!.toLowerCase()}${operation.slice(1)}`;
    return this.#service.connection.subscriber<Answer>(method, request, resource, { operation }, signal);
  }

  /** @returns `null`: there is none */
  async find(subscription: string, signal: AbortSignal): Promise<SubscriptionFacts | null> {
    try {
      return await this.#call<SubscriptionFacts>(
        "GetSubscription",
        { subscription },
        `subscription=${encodeURIComponent(subscription)}`,
        signal,
      );
    } catch (error) {
      if (isCode(error, 5)) return null;
      throw error;
    }
  }

  async create(settings: NewSubscription, signal: AbortSignal): Promise<void> {
    await change(CHANGE, () => this.#call("CreateSubscription", settings, `name=${encodeURIComponent(settings.name)}`, signal));
  }

  /** A complete name that nobody else has. */
  temporaryName(): Promise<string> {
    return this.#service.connection.name("subscriptions", `streamport-reader-${randomUUID()}`);
  }

  /** An ordered one, for a reader, which the service removes if nobody does. */
  async createTemporary(name: string, topic: string, signal: AbortSignal): Promise<void> {
    const day = { seconds: TEMPORARY_SECONDS };
    await this.create(
      {
        name,
        topic,
        enableMessageOrdering: true,
        enableExactlyOnceDelivery: false,
        ackDeadlineSeconds: 60,
        messageRetentionDuration: day,
        expirationPolicy: { ttl: day },
        labels: { [OWNER_LABEL]: READER },
      },
      signal,
    );
  }

  /** Of the project, with those of readers. */
  async list(signal: AbortSignal): Promise<readonly SubscriptionFacts[]> {
    const project = `projects/${await this.#service.connection.project()}`;
    const found: SubscriptionFacts[] = [];
    for (let pageToken = ""; ;) {
      const request = { project, pageSize: PAGE, pageToken };
      const page = await this.#call<ListedSubscriptions>("ListSubscriptions", request, `project=${encodeURIComponent(project)}`, signal);
      found.push(...(page.subscriptions ?? []));
      if ((page.nextPageToken ?? "") === "") return found;
      pageToken = page.nextPageToken!;
    }
  }

  async delete(subscription: string, signal: AbortSignal): Promise<void> {
    const routing = `subscription=${encodeURIComponent(subscription)}`;
    await change(CHANGE, () => this.#call("DeleteSubscription", { subscription }, routing, signal));
  }

  async setLabels(subscription: string, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const request = { subscription: { name: subscription, labels }, updateMask: { paths: ["labels"] } };
    await this.#call("UpdateSubscription", request, `subscription.name=${encodeURIComponent(subscription)}`, signal);
  }

  /** @throws `position-out-of-range` for a snapshot that is gone */
  async seek(subscription: string, target: SeekTarget, signal: AbortSignal): Promise<void> {
    const to = "snapshot" in target ? { snapshot: target.snapshot } : { time: wireTime(target.timestampMs) };
    if ("snapshot" in target) await this.requireSnapshot(target.snapshot, signal);
    try {
      await this.#call("Seek", { subscription, ...to }, `subscription=${encodeURIComponent(subscription)}`, signal);
    } catch (error) {
      if (isCode(error, 12)) {
        const text =
          "this server cannot move a subscription to a time; if it is Google's own emulator, say so by the setting googleEmulator=true";
        throw pubsubError("unsupported", text, { capability: "startAtTimestamp", cause: error });
      }
      if (!("snapshot" in target) || !isCode(error, 9)) throw error;
      const text = "this bookmark is of an earlier topic of the same name, which was deleted: its messages are gone";
      throw pubsubError("position-out-of-range", text, { cause: error });
    }
  }

  /** @throws `position-out-of-range` */
  async requireSnapshot(snapshot: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call("GetSnapshot", { snapshot }, `snapshot=${encodeURIComponent(snapshot)}`, signal);
    } catch (error) {
      if (!isCode(error, 3, 5)) throw error;
      const text = "the service no longer has this bookmark: its snapshots live for 7 days at most";
      throw pubsubError("position-out-of-range", text, { cause: error });
    }
  }

  /** @returns the short name of the snapshot. @throws `position-out-of-range` for a backlog that is too old */
  async snapshot(subscription: string, signal: AbortSignal): Promise<string> {
    const short = `streamport-mark-${randomUUID()}`;
    const name = await this.#service.connection.name("snapshots", short);
    try {
      await this.#call(
        "CreateSnapshot",
        { name, subscription, labels: { [OWNER_LABEL]: "mark" } },
        `name=${encodeURIComponent(name)}`,
        signal,
      );
    } catch (error) {
      if (!isCode(error, 9)) throw error;
      const text =
        "the service takes no bookmark here: the oldest message that is not read is older than 6 days and 23 hours, and a snapshot would live less than an hour";
      throw pubsubError("position-out-of-range", text, { cause: error });
    }
    return short;
  }

  async deleteSnapshot(short: string, signal: AbortSignal): Promise<void> {
    const snapshot = await this.#service.connection.name("snapshots", short);
    await this.#call("DeleteSnapshot", { snapshot }, `snapshot=${encodeURIComponent(snapshot)}`, signal);
  }

  /**
   * What is new may not be found yet: NOT_FOUND is tried again until it has settled.
   * @param madeAtMs on the monotonic clock
   */
  async onFresh<Answer>(signal: AbortSignal, attempt: () => Promise<Answer>, madeAtMs = performance.now()): Promise<Answer> {
    const untilMs = madeAtMs + settlingMs(this.#service);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await attempt();
      } catch (error) {
        if (!isCode(error, 5) || performance.now() > untilMs) throw error;
        await pause(pauseMs, signal);
        signal.throwIfAborted();
      }
    }
  }
}
