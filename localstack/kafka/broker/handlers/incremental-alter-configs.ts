import { incrementalAlterConfigsApi } from "../apis/incremental-alter-configs.ts";
import { changeSettings } from "../topics/change-settings.ts";
import { alterResource } from "./alter-resource.ts";
import { handler } from "./handler.ts";
import { TOPIC_RESOURCE } from "./resource-type.ts";

export const incrementalAlterConfigs = handler(
  incrementalAlterConfigsApi,
  ({ resources, validateOnly }, context) => ({
    responses: resources.map(({ configs, ...resource }) =>
      alterResource(resource, context, (topic) => changeSettings(topic, configs, validateOnly)),
    ),
  }),
  {
    topics: ({ resources }) =>
      resources.filter(({ resourceType }) => resourceType === TOPIC_RESOURCE).map(({ resourceName }) => [resourceName, null]),
  },
);
