import { ErrorCode } from "../error-code.ts";
import { type Api, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";
import { type Handler, handler } from "./handler.ts";
import { produceApi } from "./produce.ts";

/** The header of its answer never has tagged fields, since it is sent before anybody knows what the other side can read. */
export const apiVersionsApi = defineApi({
  name: "ApiVersions",
  key: 18,
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string.since(3),
    clientSoftwareVersion: string.since(3),
  },
  answer: {
    errorCode: int16,
    apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
    throttleTimeMs: int32.since(1).or(0),
  },
});

type Supported = { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number };

/** What this broker serves, and nothing else. */
export function supportedVersions(apis: readonly Api[]): readonly Supported[] {
  return apis.map(({ key, versions }) => ({
    apiKey: key,
    // Kafka says 0 although it does not serve it: librdkafka takes what is higher for a server that cannot compress.
    minVersion: key === produceApi.key ? 0 : versions.oldest,
    maxVersion: versions.newest,
  }));
}

/** @param apis all requests that are served, this one among them */
export function apiVersionsHandler(apis: () => readonly Api[]): Handler {
  return handler(apiVersionsApi, () => ({ errorCode: ErrorCode.none, apiKeys: supportedVersions(apis()) }));
}
