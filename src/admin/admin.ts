import type { Capability } from "../capabilities.ts";
import type { ConnectionServices } from "../connection-services.ts";
import type { Admin } from "./admin-types.ts";
import { deleteGroup, describeGroup, lag, listGroups, resetGroup } from "./group-admin.ts";
import { createTopic, deleteTopic, describeTopic, listTopics, updateTopic } from "./topic-admin.ts";

/** The administration of a connection. Its methods do not depend on `this`, so that they can be passed on. */
export function createAdmin<Granted extends Capability>(services: ConnectionServices): Admin<Granted> {
  return {
    capabilities: services.capabilities as Admin<Granted>["capabilities"],
    createTopic: (topic, settings, options) => createTopic(services, topic, settings, options),
    updateTopic: (topic, settings, options) => updateTopic(services, topic, settings, options),
    deleteTopic: (topic, options) => deleteTopic(services, topic, options),
    describeTopic: (topic, options) => describeTopic(services, topic, options),
    listTopics: (options) => listTopics(services, options),
    listGroups: (topic, options) => listGroups(services, topic, options),
    describeGroup: (topic, group, options) => describeGroup(services, topic, group, options),
    resetGroup: (topic, group, to, options) => resetGroup(services, topic, group, to, options),
    deleteGroup: (topic, group, options) => deleteGroup(services, topic, group, options),
    lag: (topic, group, options) => lag(services, topic, group, options),
  };
}
