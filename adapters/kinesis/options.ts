import { OptionCheck, type OptionRule, oneOf, optionRules } from "../../src/adapter-kit/index.ts";

export interface KinesisOptions {
  /** @default that of the SDK's chain: the environment, the profile */
  region?: string | undefined;
  /** @default that of the SDK's chain: `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`, the profile, the region's own */
  endpoint?: string | undefined;
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
  /** `KinesisClient` of @aws-sdk/client-kinesis; instead of the three above. */
  client?: AwsClient | undefined;
  /** `DynamoDBClient` of @aws-sdk/client-dynamodb, for the groups' lease tables. */
  leaseClient?: AwsClient | undefined;
  /** How records are written; all are understood when read. By the provider's own names of topics, or for all. @default "frame" */
  envelope?: Envelope | Readonly<Record<string, Envelope>> | undefined;
  /** Of DynamoDB. @default the same as `endpoint` where that is not of AWS */
  leaseEndpoint?: string | undefined;
  /** Pause between reads of a shard that is caught up. @default 1_000 */
  pollMs?: number | undefined;
  /** Of one `PutRecords`. @default 5_242_880 */
  maxRequestBytes?: number | undefined;
}

/** `frame`: headers, ids and packing. `raw`: readable by everybody, none of these. KPL-aggregated records are read in both. */
export type Envelope = "frame" | "raw";

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  expiration?: Date | undefined;
}

/** A client of the AWS SDK for JavaScript, version 3. */
export interface AwsClient {
  readonly config: { readonly serviceId: string };
  send(command: never): Promise<unknown>;
}

/** Messages never show a value: it may be a credential. */
export const KINESIS_OPTIONS: OptionCheck = new OptionCheck("kinesis");

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MOST_REQUEST_BYTES = 10 * 1_048_576;
const ENVELOPES: readonly Envelope[] = ["frame", "raw"];

const { durationMs, nonEmptyString, object } = optionRules;

const httpUrl: OptionRule = {
  allowed: "a URL of http or https",
  accepts: (value) => typeof value === "string" && /^https?:\/\/[^\s/]+/.test(value),
};

const clientOf = (serviceId: string): OptionRule => ({
  allowed: `a client of the AWS SDK for ${serviceId}`,
  accepts: (value) => object.accepts(value) && (value as Partial<AwsClient>).config?.serviceId === serviceId,
});

const RULES: Readonly<Record<keyof KinesisOptions, OptionRule>> = {
  region: nonEmptyString,
  endpoint: httpUrl,
  credentials: {
    allowed: "an object with accessKeyId and secretAccessKey, or a function that resolves to one",
    accepts: (value) => typeof value === "function" || object.accepts(value),
  },
  client: clientOf("Kinesis"),
  leaseClient: clientOf("DynamoDB"),
  envelope: {
    allowed: `one of ${ENVELOPES.join(", ")}, or an object with one of them for each topic`,
    accepts: (value) => ENVELOPES.includes(value as Envelope) || object.accepts(value),
  },
  leaseEndpoint: httpUrl,
  pollMs: durationMs,
  maxRequestBytes: {
    allowed: `bytes from 1 to ${MOST_REQUEST_BYTES}`,
    accepts: (value) => optionRules.positiveInteger.accepts(value) && (value as number) <= MOST_REQUEST_BYTES,
  },
};

const CREDENTIAL_RULES: Readonly<Record<keyof AwsCredentials, OptionRule>> = {
  accessKeyId: nonEmptyString,
  secretAccessKey: nonEmptyString,
  sessionToken: nonEmptyString,
  expiration: { allowed: "a Date", accepts: (value) => value instanceof Date },
};

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkKinesisOptions(options: KinesisOptions): void {
  KINESIS_OPTIONS.check(options, RULES);
  const { client, region, endpoint, credentials, envelope } = options;
  if (typeof credentials === "object") {
    KINESIS_OPTIONS.check(credentials, CREDENTIAL_RULES, "credentials", ["accessKeyId", "secretAccessKey"]);
  }
  if (client !== undefined && (region ?? endpoint ?? credentials) !== undefined) {
    KINESIS_OPTIONS.refuse("client is given instead of region, endpoint and credentials, not besides them");
  }
  if (typeof envelope === "object") {
    const topics = Object.keys(envelope).map((topic) => [topic, oneOf(ENVELOPES)] as const);
    KINESIS_OPTIONS.check(envelope, Object.fromEntries(topics), "envelope");
  }
}
