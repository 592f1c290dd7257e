import { replaceSettings } from "../topics/change-settings.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int8, nullableString, string } from "../wire/types.ts";
import { TOPIC_RESOURCE, alterResource } from "./alter-resource.ts";
import { handler } from "./handler.ts";

export const alterConfigsApi = defineApi({
  name: "AlterConfigs",
  key: 33,
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    resources: array(struct({ resourceType: int8, resourceName: string, configs: array(struct({ name: string, value: nullableString })) })),
    validateOnly: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    responses: array(struct({ errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string })),
  },
});

/** The older form. It removes the settings that it does not name. */
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
