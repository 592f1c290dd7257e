import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int8, nullableArray, nullableString, string } from "../wire/types.ts";

export const describeConfigsApi = defineApi({
  name: "DescribeConfigs",
  key: 32,
  versions: [1, 4],
  flexibleFrom: 4,
  request: {
    resources: array(struct({ resourceType: int8, resourceName: string, configurationKeys: nullableArray(string) })),
    includeSynonyms: boolean,
    includeDocumentation: boolean.since(3),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    results: array(
      struct({
        errorCode: int16,
        errorMessage: nullableString,
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            value: nullableString,
            readOnly: boolean,
            configSource: int8,
            isSensitive: boolean,
            synonyms: array(struct({ name: string, value: nullableString, source: int8 })),
            configType: int8.since(3),
            documentation: nullableString.since(3),
          }),
        ),
      }),
    ),
  },
});
