import { StreamError, type StreamErrorCode } from "../../src/errors.ts";
import { checkEmulatorTopic } from "../check-emulator-topic.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { DEFAULTS } from "./limits.ts";
import { Code, Refusal } from "./refusal.ts";
import { createCheckedTopic } from "./requests/topic-calls.ts";
import type { Topic } from "./resources/topic.ts";
import type { EmulatorCore } from "./server/emulator-core.ts";
import { secondsOf } from "./wire/seconds.ts";

/** Changes without a call, for the program that runs the emulator. */

const NOTHING = Buffer.alloc(0);

/** Partitions and groups have no effect: the service has no partitions, and its groups are subscriptions. @throws `already-exists`, `invalid-argument` */
export function createEmulatorTopic(core: EmulatorCore, project: string, id: string, settings: EmulatorTopic): void {
  checkEmulatorTopic(id, settings);
  try {
    createCheckedTopic(
      {
        name: nameOf(project, id),
        labels: {},
        messageStoragePolicy: NOTHING,
        kmsKeyName: "",
        schemaSettings: null,
        messageRetentionDuration: secondsOf(settings.retentionMs ?? DEFAULTS.retentionMs),
        ingestionDataSourceSettings: NOTHING,
        messageTransforms: [],
      },
      core.registry,
    );
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    const code = cause.code === Code.alreadyExists ? "already-exists" : "invalid-argument";
    throw controlError(code, id, `topic ${JSON.stringify(id)} cannot be created: ${cause.message}`, cause);
  }
}

/** @throws `not-found` */
export function expireTopic(core: EmulatorCore, project: string, id: string): void {
  topicNamed(core, project, id).expire();
}

/** @throws `not-found` */
export function endStreams(core: EmulatorCore, project: string, id: string, code: number): void {
  for (const subscription of topicNamed(core, project, id).subscriptions) subscription.endStreams(code, "The emulator ends the stream.");
}

function topicNamed(core: EmulatorCore, project: string, id: string): Topic {
  const topic = core.registry.findTopic(nameOf(project, id));
  if (topic === null) throw controlError("not-found", id, `there is no topic ${JSON.stringify(id)}`);
  return topic;
}

function nameOf(project: string, id: string): string {
  return `projects/${project}/topics/${id}`;
}

function controlError(code: StreamErrorCode, topic: string, text: string, cause?: unknown): StreamError {
  return new StreamError(code, text, { provider: "pubsub", topic, ...(cause === undefined ? {} : { cause }) });
}
