import { alterConfigsApi } from "../apis/alter-configs.ts";
import { replaceSettings } from "../topics/change-settings.ts";
import { alterResource } from "./alter-resource.ts";
import { handler } from "./handler.ts";
import { TOPIC_RESOURCE } from "./resource-type.ts";

/** The older form, which forgets what it does not name. */
export const alterConfigs = handler(
  alterConfigsApi,
  ({ resources, validateOnly }, context) => ({
    responses: resources.map(({ configs, ...resource }) =>
      alterResource(resource, context, (topic) => replaceSettings(topic, configs, validateOnly)),
    ),
  }),
  {
    topics: ({ resources }) =>
      resources.filter(({ resourceType }) => resourceType === TOPIC_RESOURCE).map(({ resourceName }) => [resourceName, null]),
  },
);
