import type { AnyCall, Call } from "./call.ts";
import { acknowledge, modifyAckDeadline, pull } from "./delivery-calls.ts";
import { createSnapshot, deleteSnapshot, getSnapshot, listSnapshots, seek, updateSnapshot } from "./snapshot-calls.ts";
import { createSchema, deleteSchema, getSchema, listSchemas, validateMessage, validateSchema } from "./schema-calls.ts";
import {
  createSubscription,
  deleteSubscription,
  detachSubscription,
  getSubscription,
  listSubscriptions,
  modifyPushConfig,
  updateSubscription,
} from "./subscription-calls.ts";
import {
  createTopic,
  deleteTopic,
  getTopic,
  listTopicSnapshots,
  listTopicSubscriptions,
  listTopics,
  publish,
  updateTopic,
} from "./topic-calls.ts";

/** Everybody may do everything. */
const testIamPermissions: Call<{ readonly resource: string; readonly permissions: readonly string[] }> = {
  subject: ({ resource }) => (resource.includes("/subscriptions/") ? { subscription: resource } : { topic: resource }),
  handle: ({ permissions }) => ({ permissions }),
};

/** The methods with one request and one response, by their names. */
export const CALLS: Readonly<Record<string, AnyCall>> = {
  CreateTopic: createTopic,
  UpdateTopic: updateTopic,
  Publish: publish,
  GetTopic: getTopic,
  ListTopics: listTopics,
  ListTopicSubscriptions: listTopicSubscriptions,
  ListTopicSnapshots: listTopicSnapshots,
  DeleteTopic: deleteTopic,
  DetachSubscription: detachSubscription,
  CreateSubscription: createSubscription,
  GetSubscription: getSubscription,
  UpdateSubscription: updateSubscription,
  ListSubscriptions: listSubscriptions,
  DeleteSubscription: deleteSubscription,
  ModifyAckDeadline: modifyAckDeadline,
  Acknowledge: acknowledge,
  Pull: pull,
  ModifyPushConfig: modifyPushConfig,
  GetSnapshot: getSnapshot,
  ListSnapshots: listSnapshots,
  CreateSnapshot: createSnapshot,
  UpdateSnapshot: updateSnapshot,
  DeleteSnapshot: deleteSnapshot,
  Seek: seek,
  CreateSchema: createSchema,
  GetSchema: getSchema,
  ListSchemas: listSchemas,
  DeleteSchema: deleteSchema,
  ValidateSchema: validateSchema,
  ValidateMessage: validateMessage,
  TestIamPermissions: testIamPermissions,
};
