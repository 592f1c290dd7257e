import { ErrorCode } from "../error-code.ts";
import { type Api, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";
import { type Handler, handler } from "./handler.ts";
import { produceApi } from "./produce.ts";

/** The header of its answer never has tagged fields, because it is sent before the broker knows what the client can read. */
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

/** The requests and versions that this broker serves. */
export function supportedVersions(apis: readonly Api[]): readonly Supported[] {
  return apis.map(({ key, versions }) => ({
    apiKey: key,
    // Kafka answers 0 here although it does not serve version 0. librdkafka takes a higher version for a server without compression.
    minVersion: key === produceApi.key ? 0 : versions.oldest,
    maxVersion: versions.newest,
  }));
}

/** @param apis all requests that are served, including this one */
export function apiVersionsHandler(apis: () => readonly Api[]): Handler {
  return handler(apiVersionsApi, () => ({ errorCode: ErrorCode.none, apiKeys: supportedVersions(apis()) }));
}
