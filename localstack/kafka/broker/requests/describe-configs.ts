import type { BrokerProperties } from "../broker-properties.ts";
import { ErrorCode, Refusal } from "../error-code.ts";
import { type DescribedSetting, describedSettings } from "../topics/described-settings.ts";
import { isTopicName } from "../topics/topics.ts";
import { type AnswerOf, type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int8, nullableArray, nullableString, string } from "../wire/types.ts";
import { TOPIC_RESOURCE } from "./alter-resource.ts";
import { type RequestContext, handler } from "./handler.ts";

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

const BROKER_RESOURCE = 4;
const STATIC_BROKER_CONFIG = 4;
const STRING = 2;

type Requested = RequestOf<typeof describeConfigsApi>["resources"][number];
type Described = AnswerOf<typeof describeConfigsApi>["results"][number];

export const describeConfigs = handler(
  describeConfigsApi,
  ({ resources, includeSynonyms }, context) => ({
    results: resources.map((requested) => describe(requested, includeSynonyms, context)),
  }),
  {
    topics: ({ resources }) =>
      resources.filter(({ resourceType }) => resourceType === TOPIC_RESOURCE).map(({ resourceName }) => [resourceName, null]),
  },
);

function describe({ resourceType, resourceName, configurationKeys }: Requested, withSynonyms: boolean, context: RequestContext): Described {
  try {
    const all = settingsOf(resourceType, resourceName, context);
    const requested = configurationKeys === null ? all : all.filter(({ name }) => configurationKeys.includes(name));
    const configs = requested.map(({ name, value, configSource, configType, synonyms }) => ({
      name,
      value,
      readOnly: resourceType === BROKER_RESOURCE,
      configSource,
      isSensitive: false,
      synonyms: withSynonyms ? synonyms : [],
      configType,
      documentation: null,
    }));
    return { errorCode: ErrorCode.none, errorMessage: null, resourceType, resourceName, configs };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName, configs: [] };
  }
}

function settingsOf(resourceType: number, name: string, { cluster, faults }: RequestContext): readonly DescribedSetting[] {
  if (resourceType === TOPIC_RESOURCE) {
    const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, name);
    if (refusal !== ErrorCode.none) throw new Refusal(refusal, "Authorization failed.");
    if (!isTopicName(name)) throw new Refusal(ErrorCode.invalidTopicException, `Topic name is invalid: ${JSON.stringify(name)}`);
    const topic = cluster.topics.get(name);
    if (topic === undefined) throw new Refusal(ErrorCode.unknownTopicOrPartition, "This server does not host this topic-partition.");
    return describedSettings(topic, cluster.properties);
  }
  if (resourceType !== BROKER_RESOURCE) {
    throw new Refusal(ErrorCode.invalidRequest, `the emulator describes topics (2) and brokers (4), not resources of type ${resourceType}`);
  }
  if (name !== "" && cluster.node(Number(name)) === undefined) {
    throw new Refusal(ErrorCode.invalidRequest, `Unexpected broker id, expected one of the cluster, but received ${name}`);
  }
  return brokerSettings(cluster.properties);
}

function brokerSettings({ entries }: BrokerProperties): readonly DescribedSetting[] {
  return entries.map(([name, value]) => ({ name, value, configSource: STATIC_BROKER_CONFIG, configType: STRING, synonyms: [] }));
}
