import { performance } from "node:perf_hooks";
import { pause } from "../../../src/adapter-kit/index.ts";
import type { StartPoint, StreamError } from "../../../src/driver/index.ts";
import { classify, pubsubError } from "../errors.ts";
import type { PubSubService } from "../service.ts";
import { type TopicFacts, describeTopic } from "../topic-directory.ts";
import { type StartPlace, labelOf, placeOf, requireStart, soughtBy } from "./start-place.ts";
import { OWNER_LABEL, type SeekTarget, type SubscriptionFacts, Subscriptions } from "./subscriptions.ts";

/** While it is there, the start of the group has not been carried out; it says where that is, so that no other start can take its place. */
const START_LABEL = "streamport-start";
/** What the service names as the topic of a subscription whose topic was deleted. */
export const DELETED_TOPIC = "_deleted-topic_";
/** How long another member may take for the start that it has begun. */
const OTHERS_START_MS = 2_000;
const LOOK_MS = 50;
/** A look that takes longer does not count for more: this process was busy, and the other member may be in it. */
const LONGEST_LOOK_MS = 500;
const CLEAN_UP_MS = 5_000;
const NEVER = {};

type Labels = Readonly<Record<string, string>>;

const OWNED: Labels = { [OWNER_LABEL]: "group" };

/** A group's subscription, by its complete name. */
export interface Ensured {
  readonly name: string;
  /** It was made just now, so that it may not be found everywhere yet. */
  readonly isFresh: boolean;
  /** Its settings are known; else only its stream says whether it keeps the order of keys. */
  readonly isChecked: boolean;
}

/** Of a subscription that cannot be a group. */
export function withoutOrder(topic: string, subscription: string): StreamError {
  const text = `subscription ${JSON.stringify(subscription)} does not keep the order of keys (enableMessageOrdering), which cannot be changed; delete it, or use another group`;
  return pubsubError("conflict", text, { topic });
}

/** The subscriptions of groups. */
export class GroupSubscriptions {
  readonly calls: Subscriptions;
  readonly #service: PubSubService;

  constructor(service: PubSubService) {
    this.#service = service;
    this.calls = new Subscriptions(service);
  }

  /** @throws `not-found` or `conflict` where it cannot deliver the topic's messages in order */
  async check(topic: string, found: SubscriptionFacts): Promise<void> {
    const refuse = (code: "not-found" | "conflict", text: string): never => {
      throw pubsubError(code, `subscription ${JSON.stringify(found.name)} ${text}`, { topic });
    };
    const name = await this.#service.connection.name("topics", topic);
    if (found.topic === DELETED_TOPIC)
      refuse("not-found", "belongs to a topic that was deleted, so it will never get a message again; delete the group");
    if (found.topic !== name) refuse("conflict", `belongs to another topic, ${JSON.stringify(found.topic)}`);
    if (found.detached === true) refuse("conflict", "was detached from its topic");
    const { pushConfig, bigqueryConfig, cloudStorageConfig, filter } = found;
    const isPushed = (pushConfig?.pushEndpoint ?? "") !== "" || (bigqueryConfig ?? null) !== null || (cloudStorageConfig ?? null) !== null;
    if (isPushed) refuse("conflict", "delivers by push or export, and cannot be pulled");
    if ((filter ?? "") !== "") refuse("conflict", "has a filter, so the group would miss messages");
    if (found.enableMessageOrdering !== true) throw withoutOrder(topic, found.name);
    if (this.#service.exactlyOnce && found.enableExactlyOnceDelivery !== true)
      refuse(
        "conflict",
        "has no exactly-once delivery, which the setting exactlyOnce asks for; enable it (gcloud pubsub subscriptions update, --enable-exactly-once-delivery), or leave the setting out",
      );
  }

  /**
   * The group's subscription, which exists and stands where the group begins. @returns `null`: there is none, and none is to be made
   * @throws `unsupported` · `position-out-of-range` · `conflict` · `not-found`
   */
  async ensure(topic: string, subscription: string, start: StartPoint | "fail", signal: AbortSignal): Promise<Ensured | null> {
    const name = await this.#service.connection.name("subscriptions", subscription);
    for (;;) {
      const found = await this.#look(name, signal);
      if (found === "unknown") return { name, isFresh: false, isChecked: false };
      if (found !== null) {
        await this.check(topic, found);
        await this.#finishStart(name, found, signal);
        return { name, isFresh: false, isChecked: true };
      }
      const described = await describeTopic(this.#service.connection, topic, signal);
      if (start === "fail") return null;
      const place = placeOf(topic, start);
      if (await this.#create(topic, name, described, place, signal)) {
        const pending = this.#pendingOf(place);
        if (pending !== null) await this.#carryOut(name, pending, OWNED, signal);
        return { name, isFresh: true, isChecked: true };
      }
      // Another member's may not be found everywhere yet.
      await pause(LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Who may only consume may not look: `roles/pubsub.subscriber` has no `get`. */
  async #look(name: string, signal: AbortSignal): Promise<SubscriptionFacts | null | "unknown"> {
    try {
      return await this.calls.find(name, signal);
    } catch (error) {
      if (signal.aborted || classify(error).code !== "permission-denied") throw error;
      const { report } = this.#service;
      const text = `subscription ${JSON.stringify(name)} cannot be looked at (pubsub.subscriptions.get is not permitted), so its settings are not checked`;
      if (report.wants("warning")) report({ kind: "warning", text });
      return "unknown";
    }
  }

  /** The start that is to be carried out once the subscription is there. `null`: it stands there by itself. */
  #pendingOf(place: StartPlace): string | null {
    const sought = soughtBy(this.#service, place);
    return sought === null ? null : labelOf(sought);
  }

  /** @returns whether this call made it, not another member */
  async #create(topic: string, name: string, described: TopicFacts, place: StartPlace, signal: AbortSignal): Promise<boolean> {
    requireStart(this.#service, topic, described, place);
    if (place.kind === "mark") await this.calls.requireSnapshot(await this.#service.connection.name("snapshots", place.name), signal);
    const pending = this.#pendingOf(place);
    try {
      await this.calls.create(
        {
          name,
          topic: described.name,
          enableMessageOrdering: true,
          enableExactlyOnceDelivery: this.#service.exactlyOnce,
          ackDeadlineSeconds: 60,
          // It must not vanish while nobody consumes.
          expirationPolicy: NEVER,
          labels: { ...OWNED, ...(pending === null ? {} : { [START_LABEL]: pending }) },
        },
        signal,
      );
      return true;
    } catch (error) {
      const { code } = classify(error);
      // Of an unknown outcome the next look tells.
      if (signal.aborted || (code !== "already-exists" && code !== "outcome-unknown")) throw error;
      return false;
    }
  }

  /** Carries out a start that another member has begun, if that one is gone. */
  async #finishStart(name: string, found: SubscriptionFacts, signal: AbortSignal): Promise<void> {
    let latest: SubscriptionFacts | null = found;
    for (let waitedMs = 0; latest?.labels?.[START_LABEL] !== undefined && waitedMs < OTHERS_START_MS;) {
      const lookedMs = performance.now();
      await pause(LOOK_MS, signal);
      signal.throwIfAborted();
      latest = await this.calls.find(name, signal);
      // The answers of a service that is far away take longer than the pauses.
      waitedMs += Math.min(performance.now() - lookedMs, LONGEST_LOOK_MS);
    }
    const pending = latest?.labels?.[START_LABEL];
    if (latest === null || pending === undefined) return;
    await this.#carryOut(name, pending, latest.labels ?? {}, signal);
  }

  async #carryOut(name: string, pending: string, labels: Labels, signal: AbortSignal): Promise<void> {
    const target = await this.#targetOf(pending);
    await this.calls.onFresh(signal, async () => this.calls.seek(name, target, signal));
    await this.calls.onFresh(signal, async () => this.#clear(name, labels, signal));
  }

  async #clear(name: string, labels: Labels, signal: AbortSignal): Promise<void> {
    const others = Object.entries(labels).filter(([label]) => label !== START_LABEL);
    await this.calls.setLabels(name, Object.fromEntries(others), signal);
  }

  async #targetOf(pending: string): Promise<SeekTarget> {
    if (pending.startsWith("t")) return { timestampMs: Number(pending.slice(1)) };
    return { snapshot: await this.#service.connection.name("snapshots", pending.slice(1)) };
  }

  /** Moves a group; makes it if need be. */
  async move(topic: string, subscription: string, to: StartPoint, signal: AbortSignal): Promise<void> {
    const name = await this.#service.connection.name("subscriptions", subscription);
    const place = placeOf(topic, to);
    const existed = await this.calls.find(name, signal);
    if (existed === null) {
      await this.ensure(topic, subscription, to, signal);
      return;
    }
    await this.check(topic, existed);
    const described = await describeTopic(this.#service.connection, topic, signal);
    requireStart(this.#service, topic, described, place);
    const sought = soughtBy(this.#service, place);
    if (sought === null) await this.#seekAsNew(described, name, signal);
    else await this.calls.seek(name, await this.#targetOf(labelOf(sought)), signal);
    if (existed.labels?.[START_LABEL] !== undefined) await this.#clear(name, existed.labels, signal);
    await pause(this.#service.seekSettlingMs, signal);
    signal.throwIfAborted();
  }

  /** Where a subscription begins that is made now: exactly the end, whatever the clock of this machine says. */
  async #seekAsNew(described: TopicFacts, name: string, signal: AbortSignal): Promise<void> {
    const fresh = await this.calls.temporaryName();
    let snapshot: string | null = null;
    try {
      await this.calls.createTemporary(fresh, described.name, signal);
      snapshot = await this.calls.onFresh(signal, () => this.calls.snapshot(fresh, signal));
      await this.calls.seek(name, { snapshot: await this.#service.connection.name("snapshots", snapshot) }, signal);
    } finally {
      // Also when the call was given up.
      const cleaning = AbortSignal.timeout(CLEAN_UP_MS);
      if (snapshot !== null) await this.calls.deleteSnapshot(snapshot, cleaning).catch(() => undefined);
      await this.calls.delete(fresh, cleaning).catch(() => undefined);
    }
  }
}
