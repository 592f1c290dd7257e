import type { PubSubConnection } from "./client/pubsub-connection.ts";
import { isCode, pubsubError, topicNotFound } from "./errors.ts";

/** What is asked about a topic. */
export interface TopicFacts {
  /** Its complete name. */
  readonly name: string;
  /** `null`: acknowledged messages are gone, so it cannot be replayed. */
  readonly retentionMs: number | null;
}

/** A duration or a time, as the client has it. */
export interface WireSeconds {
  readonly seconds?: unknown;
  readonly nanos?: number | null;
}

/** @throws `not-found` */
export async function describeTopic(connection: PubSubConnection, topic: string, signal: AbortSignal): Promise<TopicFacts> {
  const name = await connection.name("topics", topic);
  try {
    const { messageRetentionDuration } = await connection.publisher<{ messageRetentionDuration?: WireSeconds | null }>(
      "getTopic",
      { topic: name },
      `topic=${encodeURIComponent(name)}`,
      { operation: "GetTopic", topic },
      signal,
    );
    return { name, retentionMs: durationMs(messageRetentionDuration) };
  } catch (error) {
    if (isCode(error, 5)) throw topicNotFound(topic, error);
    throw error;
  }
}

function durationMs(duration: WireSeconds | null | undefined): number | null {
  if (duration === null || duration === undefined) return null;
  return Number(duration.seconds ?? 0) * 1_000 + Math.floor((duration.nanos ?? 0) / 1_000_000);
}

/** A start at anything but the end needs what the topic keeps. @throws `unsupported` */
export function requireRetention(topic: string, { retentionMs }: TopicFacts): void {
  if (retentionMs !== null) return;
  const text = `topic ${JSON.stringify(topic)} keeps no acknowledged messages, so it can only be read from "latest"; enable that by updateTopic with retentionMs, or gcloud pubsub topics update ${JSON.stringify(topic)} --message-retention-duration=7d`;
  throw pubsubError("unsupported", text, { topic, capability: "startAtTimestamp" });
}
