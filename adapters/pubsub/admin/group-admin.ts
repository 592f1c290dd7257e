import type { DriverGroupDescription, GroupName, ListedGroup, PartitionPlace, StartPoint } from "../../../src/driver/index.ts";
import { groupNotFound, isCode } from "../errors.ts";
import { idOf, subscriptionOf } from "../resource-name.ts";
import { PARTITION, type PubSubService } from "../service.ts";
import { DELETED_TOPIC, GroupSubscriptions } from "../subscription/group-subscription.ts";
import { placeOf, requireStart } from "../subscription/start-place.ts";
import { OWNER_LABEL, READER, type SubscriptionFacts } from "../subscription/subscriptions.ts";
import { describeTopic } from "../topic-directory.ts";
import { topicIdentity } from "../topic-identity.ts";

/** Groups are subscriptions. Who reads one, the service does not tell: the caller makes sure that no member is left. */
export class GroupAdmin {
  readonly #service: PubSubService;
  readonly #groups: GroupSubscriptions;

  constructor(service: PubSubService) {
    this.#service = service;
    this.#groups = new GroupSubscriptions(service);
  }

  /** All of the topic in this project, but those of readers. */
  async list(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    const { name } = await describeTopic(this.#service.connection, topic, signal);
    const found = await this.#groups.calls.list(signal);
    const prefix = `${idOf(topic)}.`;
    return found
      .filter((one) => one.topic === name && one.labels?.[OWNER_LABEL] !== READER)
      .map((one) => {
        const nativeGroup = idOf(one.name);
        return { group: nativeGroup.startsWith(prefix) ? nativeGroup.slice(prefix.length) : null, nativeGroup };
      });
  }

  /** @throws `not-found` */
  async #require(topic: string, name: GroupName, signal: AbortSignal, ofTopics: readonly string[] = []): Promise<SubscriptionFacts> {
    const { connection } = this.#service;
    const topicName = await connection.name("topics", topic);
    const subscription = await connection.name("subscriptions", subscriptionOf(topic, name));
    const found = await this.#groups.calls.find(subscription, signal);
    if (found === null || ![topicName, ...ofTopics].includes(found.topic)) throw groupNotFound(topic, name.nativeGroup ?? name.group);
    return found;
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const identity = await topicIdentity(this.#service.connection, topic);
    await describeTopic(this.#service.connection, topic, signal);
    const found = await this.#require(topic, name, signal);
    return { nativeName: idOf(found.name), members: null, identity, places: null };
  }

  async planReset(topic: string, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const place = placeOf(topic, to);
    const described = await describeTopic(this.#service.connection, topic, signal);
    requireStart(this.#service, topic, described, place);
    if (place.kind === "mark") {
      await this.#groups.calls.requireSnapshot(await this.#service.connection.name("snapshots", place.name), signal);
    }
    return new Map([[PARTITION, place]]);
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    await describeTopic(this.#service.connection, topic, signal);
    await this.#groups.move(topic, subscriptionOf(topic, name), to, signal);
  }

  /** Also one of a topic that was deleted: until then no group of its name can begin on a new one. */
  async delete(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    const found = await this.#require(topic, name, signal, [DELETED_TOPIC]);
    try {
      await this.#groups.calls.delete(found.name, signal);
    } catch (error) {
      if (isCode(error, 5)) throw groupNotFound(topic, name.nativeGroup ?? name.group);
      throw error;
    }
  }
}
