import { LIMITS } from "../limits.ts";
import { Code, Refusal } from "../refusal.ts";
import { checkLabels, checkName, projectOf } from "../resources/names.ts";
import type { Registry } from "../resources/registry.ts";
import type { Topic } from "../resources/topic.ts";
import { checkPublish } from "../resources/publish-check.ts";
import type { FieldMask, PageRequest, PubsubMessage, TopicMessage } from "../wire/messages.ts";
import { checkDuration } from "../wire/seconds.ts";
import type { Call } from "./call.ts";
import { pageOf } from "./page.ts";
import { updated } from "./update.ts";

const CHANGEABLE: ReadonlySet<string> = new Set([
  "labels",
  "message_retention_duration",
  "message_storage_policy",
  "schema_settings",
  "ingestion_data_source_settings",
  "message_transforms",
]);

interface OfTopic {
  readonly topic: string;
}

const ofTopic = ({ topic }: OfTopic): OfTopic => ({ topic });

export const createTopic: Call<TopicMessage> = {
  subject: ({ name }) => ({ topic: name }),
  handle(request, { registry }) {
    return createCheckedTopic(request, registry).message;
  },
};

export const updateTopic: Call<{ readonly topic: TopicMessage | null; readonly updateMask: FieldMask | null }> = {
  subject: ({ topic }) => ({ topic: topic?.name ?? "" }),
  handle({ topic: changes, updateMask }, { registry }) {
    if (changes === null) throw new Refusal(Code.invalidArgument, "The topic is missing.");
    const topic = registry.topic(changes.name);
    const settings = updated(topic.settings, changes, updateMask, CHANGEABLE);
    checkTopic(settings);
    // Else it stays the same schema, also if that was deleted.
    if (settings.schemaSettings !== topic.settings.schemaSettings) topic.schema = registry.schemas.ofTopic(settings.schemaSettings);
    topic.settings = settings;
    return topic.message;
  },
};

export const publish: Call<OfTopic & { readonly messages: readonly PubsubMessage[] }> = {
  subject: ofTopic,
  handle({ topic: name, messages }, { registry, bytes, invalidMessages }) {
    const topic = registry.topic(name);
    checkPublish(messages, bytes);
    topic.schema?.check(messages);
    invalidMessages.check(messages);
    return { messageIds: registry.publish(topic, messages) };
  },
};

export const getTopic: Call<OfTopic> = {
  subject: ofTopic,
  handle: ({ topic }, { registry }) => registry.topic(topic).message,
};

export const listTopics: Call<PageRequest & { readonly project: string }> = {
  subject: () => ({}),
  handle(request, { registry }) {
    registry.checkProject(request.project);
    const { page, nextPageToken } = pageOf(registry.topicsOf(projectOf(request.project)), request);
    return { topics: page.map(({ message }) => message), nextPageToken };
  },
};

export const listTopicSubscriptions: Call<PageRequest & OfTopic> = {
  subject: ofTopic,
  handle(request, { registry }) {
    const attached = [...registry.topic(request.topic).subscriptions]
      .filter(({ name }) => registry.findSubscription(name) !== null)
      .toSorted(byName);
    const { page, nextPageToken } = pageOf(attached, request);
    return { subscriptions: page.map(({ name }) => name), nextPageToken };
  },
};

export const listTopicSnapshots: Call<PageRequest & OfTopic> = {
  subject: ofTopic,
  handle(request, { registry }) {
    const topic = registry.topic(request.topic);
    const alive = registry.snapshotsOf(projectOf(request.topic)).filter((snapshot) => snapshot.topic === topic);
    const { page, nextPageToken } = pageOf(alive, request);
    return { snapshots: page.map(({ name }) => name), nextPageToken };
  },
};

export const deleteTopic: Call<OfTopic> = {
  subject: ofTopic,
  handle({ topic }, { registry }) {
    registry.deleteTopic(topic);
    return {};
  },
};

/** @throws `Refusal` */
export function createCheckedTopic(settings: TopicMessage, registry: Registry): Topic {
  checkName("topics", settings.name);
  checkTopic(settings);
  return registry.createTopic(settings);
}

function checkTopic({ labels, messageRetentionDuration }: TopicMessage): void {
  checkLabels(labels, LIMITS.labels);
  if (messageRetentionDuration !== null) {
    checkDuration("message_retention_duration", messageRetentionDuration, LIMITS.leastRetentionMs, LIMITS.mostRetentionMs);
  }
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
