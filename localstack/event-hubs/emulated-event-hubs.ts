import type { Fault, FaultKind } from "../../src/driver/index.ts";
import { StreamError, type StreamErrorCode } from "../../src/errors.ts";
import { checkEmulatorTopic } from "../check-emulator-topic.ts";
import { type DamageOptions, damagedReadsOf } from "../damage-options.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { cannotListen, listeningAddress } from "../listening-address.ts";
import { requireOpen } from "../require-open.ts";
import type { AccessPolicy, Claim } from "./auth/access-policies.ts";
import { BlobAccount } from "./blobs/blob-account.ts";
import { type ErrorAnswer, plannedAnswer } from "./faults/error-answer.ts";
import { Hub } from "./hubs/hub.ts";
import { checkHub } from "./hubs/check-hub.ts";
import { loadAmqpLibrary } from "./library.ts";
import { Namespace } from "./namespace.ts";
import { PortServer, type ServerCertificate } from "./port-server.ts";

export interface EmulatedEventHubsOptions {
  readonly topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** One port for AMQP and for the checkpoints. @default a free one */
  readonly port?: number | undefined;
  /** The address of this machine to listen on; `0.0.0.0`: all addresses. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** The name by which clients reach the emulator. @default `host`; 127.0.0.1 if `host` is all addresses */
  readonly advertisedHost?: string | undefined;
  /** Shared access policies by name. The first one is in `url`. @default one with all claims */
  readonly policies?: Readonly<Record<string, { readonly key: string; readonly claims?: readonly Claim[] | undefined }>> | undefined;
  /** Serves TLS beside the plain protocols, on the same port: a client without `UseDevelopmentEmulator` needs it. @default none */
  readonly certificate?: ServerCertificate | undefined;
  /** The largest message on a link: an event, or a batch. @default 1_048_576, as in the tiers standard and premium */
  readonly maxMessageBytes?: number | undefined;
  /** New hubs are geo-replicated: their offsets are strings of another form, and plain numbers are refused. @default false */
  readonly geoReplication?: boolean | undefined;
  /** The storage account has a hierarchical namespace: lists also contain directories. @default false */
  readonly hierarchicalNamespace?: boolean | undefined;
  /** How many blobs a page of a list has at most. @default 5_000, as in the service */
  readonly blobsPerPage?: number | undefined;
  /** If a kind of fault has several variants (README.md), they take turns. The first fault of a kind begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
}

/** Event Hubs and the blobs of its checkpoints, in this process and its memory. `README.md` lists what they do not do. After `close`, methods fail with `closed`. */
export interface EmulatedEventHubs extends AsyncDisposable {
  /** The URL for `connect`, with credentials and checkpoints. */
  readonly url: string;
  /** For programs that use the SDKs: both connection strings. */
  readonly environment: Readonly<Record<string, string>>;
  /** For the SDKs; a hub can be added as `EntityPath`. */
  readonly connectionString: string;
  /** The container for checkpoints, with account and key as user info. */
  readonly checkpoints: string;
  /** A connection string of the storage account, for the SDKs of Azure Storage. */
  readonly storageConnectionString: string;
  /** The container of `checkpoints`. */
  readonly checkpointContainer: string;
  /** Rejects with `already-exists`, `invalid-argument` */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  /** Deletes a hub with its events. What groups have stored stays, as in the service. Rejects with `not-found` */
  deleteTopic(topic: string): Promise<void>;
  /** Adds partitions behind those that there are. @throws `not-found` */
  addPartitions(topic: string, count: number): void;
  /** A disabled hub ends the links of its readers, and refuses new links and what is sent by old ones. @throws `not-found` */
  setDisabled(topic: string, isDisabled: boolean): void;
  readonly faultKinds: readonly FaultKind[];
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` for an unknown kind · `unsupported` for an operation that its calls are not of */
  inject(fault: Fault): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Plans an error as the answer to calls of one kind. */
  answerWith(answer: ErrorAnswer): void;
  /** Compacts a hub at once and up to its end. Rejects with `not-found` */
  compact(topic: string): Promise<void>;
  /** Deletes everything that is stored now, as retention does once it has passed. Rejects with `not-found` */
  expire(topic: string): Promise<void>;
  /**
   * Makes the event that was stored last in a partition unreadable: the service never does that. @throws `not-found` · `invalid-argument` for a partition that
   * does not exist or is empty
   */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** Gives a shared access policy another key: what was signed with the former one is refused from now on, and all links end, as by `expireTokens`. @throws `not-found` */
  replaceKey(policy: string, key: string): void;
  /** As if the time of all tokens of all clients had run out: their links end. */
  expireTokens(): void;
  /** Ends all connections; what is stored stays. */
  restart(): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

const DEFAULT_POLICIES = { emulator: { key: "c3RyZWFtcG9ydC1lbXVsYXRvcg" } };
const ALL_CLAIMS: readonly Claim[] = ["Send", "Listen", "Manage"];
const ACCOUNT = "devstoreaccount1";
const ACCOUNT_KEY = Buffer.from("streamport emulator of event hubs").toString("base64");
const CONTAINER = "checkpoints";
const MAX_MESSAGE_BYTES = 1_048_576;
const BLOBS_PER_PAGE = 5_000;
const DEFAULT_PARTITIONS = 4;
/** The longest retention of the tier standard. */
const DEFAULT_RETENTION_MS = 604_800_000;

/** @throws `configuration` for a port that is taken, or where rhea is not installed · `invalid-argument` for invalid topics */
export async function startEmulatedEventHubs(options: EmulatedEventHubsOptions = {}): Promise<EmulatedEventHubs> {
  const { topics = {}, port = 0, geoReplication = false, firstFaultTurn = 0 } = options;
  const { host, advertisedHost } = listeningAddress(options);
  const { hierarchicalNamespace: hasDirectories = false, blobsPerPage: mostListed = BLOBS_PER_PAGE } = options;
  const library = await loadAmqpLibrary();
  const policies = policiesOf(options);
  const blobs = new BlobAccount({ name: ACCOUNT, key: ACCOUNT_KEY, hasDirectories, mostListed });
  blobs.createContainer(CONTAINER, Date.now());
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  const namespace = new Namespace({ policies, maxMessageBytes, firstFaultTurn, blobs });
  const server = new PortServer(library, namespace, host, options.certificate ?? null);
  const create = (topic: string, settings: EmulatorTopic): void => createHub(namespace, topic, settings, geoReplication);
  try {
    for (const [topic, settings] of Object.entries(topics)) create(topic, settings);
    await server.start(port);
  } catch (error) {
    await server.close();
    throw cannotListen("event-hubs", "the emulated Event Hubs", { host, port }, error);
  }
  const opened = (): Namespace => {
    requireOpen("event-hubs", server.isClosed);
    return namespace;
  };
  const addresses = addressesOf(`${advertisedHost}:${server.port}`, policies);
  const close = (): Promise<void> => server.close();
  return {
    ...addresses,
    environment: {
      EVENT_HUBS_CONNECTION_STRING: addresses.connectionString,
      AZURE_STORAGE_CONNECTION_STRING: addresses.storageConnectionString,
    },
    checkpointContainer: CONTAINER,
    createTopic: async (topic, settings = {}) => {
      opened();
      create(topic, settings);
    },
    deleteTopic: async (topic) => opened().remove(hubNamed(namespace, topic)),
    addPartitions: (topic, count) => hubNamed(opened(), topic).addPartitions(count),
    setDisabled: (topic, isDisabled) => hubNamed(opened(), topic).setDisabled(isDisabled),
    faultKinds: namespace.faults.kinds,
    inject: (fault) => opened().faults.inject(fault),
    clearFaults: () => {
      const { faults, invalidEvents } = opened();
      faults.clear();
      invalidEvents.clear();
    },
    answerWith: (answer) => opened().faults.plan(plannedAnswer(answer)),
    compact: async (topic) => {
      for (const partition of hubNamed(opened(), topic).partitions) partition.compact();
    },
    expire: async (topic) => {
      for (const partition of hubNamed(opened(), topic).partitions) partition.removeAll();
    },
    damage: (topic, partition, options) => damageLast(hubNamed(opened(), topic), partition, damagedReadsOf(options)),
    replaceKey: (policy, key) => {
      if (!opened().replaceKey(policy, key)) throw controlError("not-found", undefined, `there is no policy ${JSON.stringify(policy)}`);
      server.expireTokens();
    },
    expireTokens: () => {
      opened();
      server.expireTokens();
    },
    restart: async () => {
      opened();
      await server.restart();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function policiesOf({ policies = DEFAULT_POLICIES }: EmulatedEventHubsOptions): ReadonlyMap<string, AccessPolicy> {
  return new Map(Object.entries(policies).map(([name, { key, claims = ALL_CLAIMS }]) => [name, { key, claims }]));
}

function createHub(namespace: Namespace, topic: string, settings: EmulatorTopic, hasGeoReplication: boolean): void {
  checkEmulatorTopic(topic, settings);
  const { partitions = DEFAULT_PARTITIONS, retentionMs = DEFAULT_RETENTION_MS, groups = [] } = settings;
  const problem = checkHub(topic, partitions, groups);
  if (problem !== null) throw controlError("invalid-argument", topic, problem);
  if (namespace.find(topic) !== undefined) throw controlError("already-exists", topic, `there is a hub ${JSON.stringify(topic)} already`);
  namespace.add(new Hub(topic, { partitions, retentionMs, groups, hasGeoReplication }, Date.now()));
}

function hubNamed(namespace: Namespace, topic: string): Hub {
  const hub = namespace.find(topic);
  if (hub === undefined) throw controlError("not-found", topic, `there is no hub ${JSON.stringify(topic)}`);
  return hub;
}

function damageLast({ name, partitions }: Hub, partition: string, reads: number): void {
  const log = partitions.find(({ id }) => id === partition);
  if (log?.damageLast(reads) === true) return;
  const what = log === undefined ? "has no partition" : "has nothing stored in partition";
  throw controlError("invalid-argument", name, `topic ${JSON.stringify(name)} ${what} ${JSON.stringify(partition)}`);
}

function addressesOf(
  address: string,
  policies: ReadonlyMap<string, AccessPolicy>,
): Pick<EmulatedEventHubs, "url" | "connectionString" | "checkpoints" | "storageConnectionString"> {
  const [[name, { key }] = ["", { key: "" }]] = policies;
  const endpoint = `http://${address}/${ACCOUNT}`;
  const account = `${ACCOUNT}:${encodeURIComponent(ACCOUNT_KEY)}@`;
  const checkpoints = `http://${account}${address}/${ACCOUNT}/${CONTAINER}`;
  const user = `${encodeURIComponent(name)}:${encodeURIComponent(key)}`;
  return {
    url: `event-hubs://${user}@${address}?developmentEmulator=true&checkpoints=${encodeURIComponent(checkpoints)}`,
    connectionString: `Endpoint=sb://${address};SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true`,
    checkpoints,
    storageConnectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${endpoint};`,
  };
}

function controlError(code: StreamErrorCode, topic: string | undefined, message: string): StreamError {
  return new StreamError(code, `the emulated Event Hubs: ${message}`, { provider: "event-hubs", topic });
}
