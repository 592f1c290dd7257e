import type * as dynamoSdk from "@aws-sdk/client-dynamodb";
import type * as kinesisSdk from "@aws-sdk/client-kinesis";
import { StreamError } from "../../../src/errors.ts";

export type KinesisSdk = typeof kinesisSdk;
export type DynamoSdk = typeof dynamoSdk;

/** The clients of both services. Groups are kept in DynamoDB, and its client has the HTTP/1.1 transport that both use. */
export interface Sdk {
  readonly kinesis: KinesisSdk;
  readonly dynamo: DynamoSdk;
}

const KNOWN_VERSION = "3.1143";
const PACKAGES = ["@aws-sdk/client-kinesis", "@aws-sdk/client-dynamodb"];

/**
 * Loads the SDK at the first use.
 * @throws `configuration` if it is missing or cannot be loaded
 */
export async function loadSdk(): Promise<Sdk> {
  // Applications without Kinesis do not have the SDK, so a bundler must not require it. Bundlers accept a missing module if `.catch` follows.
  const [kinesis, dynamo] = await Promise.all([
    import(/* webpackIgnore: true */ "@aws-sdk/client-kinesis").catch(refuse),
    import(/* webpackIgnore: true */ "@aws-sdk/client-dynamodb").catch(refuse),
  ]);
  return { kinesis, dynamo };
}

const NOT_FOUND: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

function refuse(cause: unknown): never {
  const { code } = cause as Partial<NodeJS.ErrnoException>;
  const text = NOT_FOUND.has(code)
    ? `the Kinesis adapter needs the packages ${PACKAGES.join(" and ")}, known to work from version ${KNOWN_VERSION} on: npm install ${PACKAGES.join(" ")}`
    : `the AWS SDK is installed but could not be loaded; it is known to work from version ${KNOWN_VERSION} on. The cause says why`;
  throw new StreamError("configuration", text, { provider: "kinesis", cause });
}
