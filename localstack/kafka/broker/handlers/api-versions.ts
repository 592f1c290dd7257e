import { apiVersionsApi } from "../apis/api-versions.ts";
import { produceApi } from "../apis/produce.ts";
import { ErrorCode } from "../error-code.ts";
import type { Api } from "../wire/api.ts";
import { type Handler, handler } from "./handler.ts";

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
