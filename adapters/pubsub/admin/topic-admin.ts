import { change } from "../../../src/adapter-kit/index.ts";
import type { DriverTopicDescription, TopicSettings } from "../../../src/driver/index.ts";
import { MESSAGE_BYTES } from "../capabilities.ts";
import { isCode, pubsubError, topicNotFound } from "../errors.ts";
import { idOf } from "../resource-name.ts";
import { PARTITION, type PubSubService } from "../service.ts";
import { CHANGE } from "../subscription/subscriptions.ts";
import { wireTime } from "../subscription/wire-time.ts";
import { describeTopic } from "../topic-directory.ts";
import { topicIdentity } from "../topic-identity.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** https://cloud.google.com/pubsub/docs/topic-properties#message_retention */
const RETENTION_MS = { least: 10 * MINUTE_MS, most: 31 * DAY_MS, default: 7 * DAY_MS } as const;
const PAGE = 1_000;

/** The topics of the project. */
export class TopicAdmin {
  readonly #service: PubSubService;

  constructor(service: PubSubService) {
    this.#service = service;
  }

  /** With retention, so that the topic can be replayed. */
  async create(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    const { retentionMs = RETENTION_MS.default } = checked(topic, settings);
    const name = await this.#service.connection.name("topics", topic);
    const request = { name, messageRetentionDuration: wireTime(retentionMs) };
    try {
      await this.#change("CreateTopic", topic, request, `name=${encodeURIComponent(name)}`, signal);
    } catch (error) {
      if (isCode(error, 6))
        throw pubsubError("already-exists", `there is a topic ${JSON.stringify(topic)} already`, { topic, cause: error });
      throw error;
    }
  }

  async #change(operation: string, topic: string, request: object, routing: string, signal: AbortSignal): Promise<void> {
    const method = `${operation[0]!.toLowerCase()}${operation.slice(1)}`;
    try {
      await change(CHANGE, () => this.#service.connection.publisher(method, request, routing, { operation, topic }, signal));
    } catch (error) {
      if (isCode(error, 5)) throw topicNotFound(topic, error);
      throw error;
    }
  }

  async update(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    const { retentionMs } = checked(topic, settings);
    const { name } = await describeTopic(this.#service.connection, topic, signal);
    if (retentionMs === undefined) return;
    const request = {
      topic: { name, messageRetentionDuration: wireTime(retentionMs) },
      updateMask: { paths: ["message_retention_duration"] },
    };
    await this.#change("UpdateTopic", topic, request, `topic.name=${encodeURIComponent(name)}`, signal);
  }

  async delete(topic: string, signal: AbortSignal): Promise<void> {
    const name = await this.#service.connection.name("topics", topic);
    await this.#change("DeleteTopic", topic, { topic: name }, `topic=${encodeURIComponent(name)}`, signal);
  }

  async describe(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    const { connection } = this.#service;
    const { retentionMs } = await describeTopic(connection, topic, signal);
    return { identity: await topicIdentity(connection, topic), partitions: [PARTITION], retentionMs, maxMessageBytes: MESSAGE_BYTES };
  }

  async list(signal: AbortSignal): Promise<readonly string[]> {
    const { connection } = this.#service;
    const project = `projects/${await connection.project()}`;
    const names: string[] = [];
    for (let pageToken = ""; ;) {
      const page = await connection.publisher<{ topics?: readonly { name: string }[] | null; nextPageToken?: string | null }>(
        "listTopics",
        { project, pageSize: PAGE, pageToken },
        `project=${encodeURIComponent(project)}`,
        { operation: "ListTopics" },
        signal,
      );
      names.push(...(page.topics ?? []).map(({ name }) => idOf(name)));
      if ((page.nextPageToken ?? "") === "") return names;
      pageToken = page.nextPageToken!;
    }
  }
}

/** @throws `unsupported` for a time that the service does not keep, and for partitions */
function checked(topic: string, { partitions, retentionMs }: TopicSettings): { readonly retentionMs: number | undefined } {
  if (partitions !== undefined && partitions !== 1) {
    throw pubsubError("unsupported", "topics of Pub/Sub have no partitions: leave out partitions", { topic, capability: "partitions" });
  }
  const { least, most } = RETENTION_MS;
  if (retentionMs !== undefined && (retentionMs < least || retentionMs > most)) {
    throw pubsubError("unsupported", `retentionMs must be from ${least} (10 minutes) to ${most} (31 days); received ${retentionMs}`, {
      topic,
    });
  }
  return { retentionMs };
}
