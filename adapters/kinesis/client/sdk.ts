import type * as dynamoSdk from "@aws-sdk/client-dynamodb";
import type * as kinesisSdk from "@aws-sdk/client-kinesis";
import { type RequiredSdk, sdkNotLoaded } from "../../../src/adapter-kit/index.ts";

export type KinesisSdk = typeof kinesisSdk;
export type DynamoSdk = typeof dynamoSdk;

/** The clients of both services. Groups are kept in DynamoDB, and its client has the HTTP/1.1 transport that both use. */
export interface Sdk {
  readonly kinesis: KinesisSdk;
  readonly dynamo: DynamoSdk;
}

const REQUIRED: RequiredSdk = {
  provider: "kinesis",
  adapter: "Kinesis",
  sdk: "the AWS SDK",
  packages: ["@aws-sdk/client-kinesis", "@aws-sdk/client-dynamodb"],
  known: "from version 3.1143 on",
};

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

function refuse(cause: unknown): never {
  throw sdkNotLoaded(REQUIRED, cause);
}
