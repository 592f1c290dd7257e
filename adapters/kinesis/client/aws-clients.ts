import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { KinesisClient, KinesisClientConfig } from "@aws-sdk/client-kinesis";
import { kinesisError } from "../errors.ts";
import type { AwsCredentials, KinesisOptions } from "../options.ts";
import { type HttpHandler, type Purpose, PurposeHandler } from "./purpose-handler.ts";
import { useFastRecords } from "./fast-records.ts";
import type { Sdk } from "./sdk.ts";

/** The clients of one connection. */
export interface AwsClients {
  readonly sdk: Sdk;
  readonly kinesis: KinesisClient;
  readonly dynamo: DynamoDBClient;
  /** Ends what this connection has opened. Clients of the application stay as they are. */
  destroy(): void;
}

/** How many connections each purpose may have at once. A shard has at most one read at a time. */
const SOCKETS: Readonly<Record<Purpose, number>> = { read: 512, put: 64, control: 16 };
const LEASE_SOCKETS = 64;

/** Without `info` and `error`: for these the SDK copies all records of each request and answer. */
const SILENT = { debug: () => undefined, warn: () => undefined } as Required<KinesisClientConfig>["logger"];

/** What an emulator gets where nothing else is known. None of them checks it. */
const EMULATOR_REGION = "us-east-1";
const EMULATOR_CREDENTIALS: AwsCredentials = { accessKeyId: "test", secretAccessKey: "test" };
/** By these the SDK's chain finds credentials without asking a network that is not there. */
const CREDENTIAL_VARIABLES = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/** @throws `configuration` where no region is known */
export async function createClients(sdk: Sdk, options: KinesisOptions): Promise<AwsClients> {
  const { client, leaseClient, endpoint, leaseEndpoint = isOfAws(endpoint) ? undefined : endpoint } = options;
  const own: { destroy(): void }[] = [];
  const keep = <Client extends { destroy(): void }>(made: Client): Client => {
    own.push(made);
    return made;
  };
  const dynamo =
    (leaseClient as DynamoDBClient | undefined) ??
    keep(new sdk.dynamo.DynamoDBClient({ ...(await settingsFor(sdk, options, leaseEndpoint)), requestHandler: agents(LEASE_SOCKETS) }));
  const kinesis =
    (client as KinesisClient | undefined) ??
    keep(
      new sdk.kinesis.KinesisClient({
        ...(await settingsFor(sdk, options, endpoint)),
        requestHandler: purposeHandler(sdk) as never,
      }),
    );
  if (client === undefined) useFastRecords(kinesis);
  return {
    sdk,
    kinesis,
    dynamo,
    destroy: () => {
      for (const made of own) made.destroy();
    },
  };
}

/** Everything retries in one place, which knows the lane, the deadline and what may have been stored: not the SDK. */
async function settingsFor(sdk: Sdk, options: KinesisOptions, endpoint: string | undefined) {
  const { credentials, client } = options;
  const isEmulator = endpoint !== undefined && endpoint.startsWith("http:") && !isOfAws(endpoint);
  const hasCredentials = CREDENTIAL_VARIABLES.some((name) => process.env[name] !== undefined);
  const signing = credentials ?? (isEmulator && !hasCredentials ? EMULATOR_CREDENTIALS : undefined);
  // Beside a client of the application the tables are in its region.
  const region =
    options.region ?? (client === undefined ? undefined : await regionOf(client)) ?? (isEmulator ? await chainRegion(sdk) : undefined);
  return {
    maxAttempts: 1,
    retryMode: "standard",
    logger: SILENT,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(signing === undefined ? {} : { credentials: asIdentity(signing) }),
  };
}

async function regionOf(client: KinesisOptions["client"]): Promise<string> {
  return (client as unknown as KinesisClient).config.region();
}

/** The region that the SDK finds, or that of emulators: there it means nothing. */
async function chainRegion({ kinesis }: Sdk): Promise<string> {
  const probe = new kinesis.KinesisClient({});
  return probe.config.region().catch(() => EMULATOR_REGION);
}

type Identity = Omit<AwsCredentials, "sessionToken" | "expiration"> & { sessionToken?: string; expiration?: Date };

/** For the SDK an absent value is not the same as `undefined`. */
function asIdentity(credentials: AwsCredentials | (() => Promise<AwsCredentials>)): Identity | (() => Promise<Identity>) {
  return typeof credentials === "function" ? async () => plain(await credentials()) : plain(credentials);
}

function plain({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredentials): Identity {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/** An endpoint of the service itself, also by a VPC endpoint or with FIPS; absent: the SDK chooses one. */
export function isOfAws(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true;
  return /^https?:\/\/(?:[^/@]*\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|c2s\.ic\.gov|sc2s\.sgov\.gov)(?::\d+)?(?:\/|$)/i.test(endpoint);
}

/** Options of the SDK's transport for HTTP/1.1. */
function agents(maxSockets: number) {
  return { httpAgent: { keepAlive: true, maxSockets }, httpsAgent: { keepAlive: true, maxSockets }, logger: SILENT };
}

/**
 * The client of Kinesis would use HTTP/2, with a new connection for each request. The transport for HTTP/1.1 is the one that the client of
 * DynamoDB uses by default: its class is taken from there.
 */
function purposeHandler({ dynamo }: Sdk): PurposeHandler {
  const { requestHandler } = new dynamo.DynamoDBClient({ region: EMULATOR_REGION }).config;
  const { metadata } = requestHandler as HttpHandler;
  if (metadata?.handlerProtocol !== "http/1.1") {
    throw kinesisError(
      "configuration",
      "this version of @aws-sdk/client-dynamodb has no transport for HTTP/1.1 by default; version 3.1143 has",
    );
  }
  const Http1Handler = requestHandler.constructor as new (options: ReturnType<typeof agents>) => HttpHandler;
  return new PurposeHandler({
    read: new Http1Handler(agents(SOCKETS.read)),
    put: new Http1Handler(agents(SOCKETS.put)),
    control: new Http1Handler(agents(SOCKETS.control)),
  });
}
