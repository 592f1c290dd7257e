import type { Fault, FaultKind } from "../../src/driver/index.ts";
import { StreamError } from "../../src/errors.ts";
import { type DamageOptions, damagedReadsOf } from "../damage-options.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { cannotListen, listeningAddress } from "../listening-address.ts";
import { requireOpen } from "../require-open.ts";
import { type PlannedAnswer, plannedAnswer } from "./faults/fault-effect.ts";
import { REGION } from "./ocid.ts";
import { operations } from "./operations/operations.ts";
import { ServiceServers } from "./server/service-servers.ts";
import { DEFAULT_SETTINGS, type StreamingSettings } from "./settings.ts";
import { ThrowAwayIdentity } from "./signature/throw-away-identity.ts";
import { LEASE_BUCKET, NAMESPACE, StreamingService } from "./streaming-service.ts";
import { createTopic, damageLastMessage, streamOf } from "./topic-control.ts";

export interface EmulatedOciStreamingOptions extends Partial<StreamingSettings> {
  /** Port of the administration and of objects; messages have the next one. @default free ones */
  readonly port?: number | undefined;
  /** The address of this machine on which the servers listen; `0.0.0.0`: all addresses. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** The name by which clients reach the servers: for the URL, and for the endpoint of messages that the service tells. @default `host`; 127.0.0.1 if `host` is all addresses */
  readonly advertisedHost?: string | undefined;
  readonly topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** If a kind of fault has several variants (README.md), they take turns. The first fault of a kind begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
}

/** OCI Streaming and the part of Object Storage that groups need, in this process and its memory. After `close`, methods fail with `closed`. */
export interface EmulatedOciStreaming extends AsyncDisposable {
  /** The URL for `connect`. The configuration file that it names has the credentials. */
  readonly url: string;
  /** `http://host:port` of the administration and of Object Storage. Streams tell the one for messages. */
  readonly endpoint: string;
  /** The endpoint that streams tell. */
  readonly messagesEndpoint: string;
  /** As Oracle's own tools read it, with the profiles DEFAULT and SESSION. It is removed by `close`. */
  readonly configFile: string;
  readonly region: string;
  /** For programs that use clients and tools of Oracle. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tenancy: string;
  /** The pool in which `createTopic` creates streams. */
  readonly streamPool: string;
  /** The namespace and the bucket of Object Storage that exist from the start. */
  readonly leases: { readonly namespace: string; readonly bucket: string };
  /** Rejects with `already-exists`, `invalid-argument` */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  readonly faultKinds: readonly FaultKind[];
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` for an unknown kind · `unsupported` for an operation that its calls are not of */
  inject(fault: Fault): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Plans a status and a code as the answer to calls of one operation. @throws `invalid-argument` for an unknown operation */
  answerWith(answer: PlannedAnswer): void;
  /** How many calls of an operation have come, refused ones included. @throws `invalid-argument` for an unknown operation */
  callCount(operation: string): number;
  /** Deletes everything that is stored now, as retention does once it has passed. Rejects with `not-found` */
  expire(topic: string): Promise<void>;
  /** Makes the message that was stored last in a partition unreadable. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** As if the creation of the stream had failed: it stays listed as FAILED. Rejects with `not-found` */
  fail(topic: string): Promise<void>;
  /** Puts the clock of the service forward: cursors and messages become older, and signatures too. */
  advanceClock(ms: number): void;
  /** Refuses the session token from now on, as one whose time is over. There is no other until `renewSession`. */
  expireSession(): void;
  /** Writes a new session token; calls with the former one are refused as not authenticated. */
  renewSession(): Promise<void>;
  /** Breaks all connections, and comes back a second later with everything that was stored. */
  restart(): Promise<void>;
  /** Ends the servers and removes the configuration. Never rejects. */
  close(): Promise<void>;
}

const SECOND_MS = 1_000;
const LEAST_POLL_MS = 100;

/** @throws `configuration` for a port that is taken · `invalid-argument` for invalid topics */
export async function startEmulatedOciStreaming(options: EmulatedOciStreamingOptions = {}): Promise<EmulatedOciStreaming> {
  const { port = 0, topics = {}, firstFaultTurn = 0 } = options;
  const { host, advertisedHost } = listeningAddress(options);
  const settings = settingsOf(options);
  const identity = await ThrowAwayIdentity.create(Date.now() + settings.clockAheadMs, settings.keyBits);
  const service = new StreamingService(settings, identity.tenancy, firstFaultTurn);
  const servers = new ServiceServers(service, identity, host);
  const close = async (): Promise<void> => {
    await servers.close();
    await identity.remove();
  };
  try {
    await servers.start(port);
    for (const [topic, given] of Object.entries(topics)) createTopic(service, topic, given);
  } catch (error) {
    await close();
    throw cannotListen("oci-streaming", "the emulated OCI Streaming", { host, port }, error);
  }
  const endpoint = `http://${advertisedHost}:${servers.port("admin")}`;
  service.messagesEndpoint = `http://${advertisedHost}:${servers.port("messages")}`;
  const opened = (): StreamingService => {
    requireOpen("oci-streaming", servers.isClosed);
    return service;
  };
  const streamPool = service.streams.defaultPool.id;
  return {
    url: urlOf(streamPool, endpoint, identity.configFile, settings.getsPerSecond),
    endpoint,
    messagesEndpoint: service.messagesEndpoint,
    configFile: identity.configFile,
    region: REGION,
    environment: environmentOf(endpoint, identity.configFile),
    tenancy: identity.tenancy,
    streamPool,
    leases: { namespace: NAMESPACE, bucket: LEASE_BUCKET },
    createTopic: async (topic, given = {}) => createTopic(opened(), topic, given),
    faultKinds: service.faults.kinds,
    inject: (fault) => opened().faults.inject(fault),
    clearFaults: () => {
      const { faults, invalidMessages } = opened();
      faults.clear();
      invalidMessages.clear();
    },
    answerWith: (answer) => {
      requireOperation(answer.operation);
      opened().faults.plan(plannedAnswer(answer));
    },
    callCount: (operation) => {
      requireOperation(operation);
      return service.callCount(operation);
    },
    expire: async (topic) => {
      streamOf(opened(), topic).expire();
    },
    damage: (topic, partition, damage) => damageLastMessage(opened(), topic, partition, damagedReadsOf(damage)),
    fail: async (topic) => streamOf(opened(), topic).fail(),
    advanceClock: (ms) => opened().clock.advance(ms),
    expireSession: () => {
      opened();
      identity.expireSession();
    },
    renewSession: async () => identity.renewSession(opened().clock.nowMs),
    restart: async () => {
      opened();
      await servers.restart();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function requireOperation(operation: string): void {
  const names = operations.map(({ name }) => name);
  if (names.includes(operation)) return;
  const text = `there is no operation ${JSON.stringify(operation)}; there are ${names.join(", ")}`;
  throw new StreamError("invalid-argument", text, { provider: "oci-streaming" });
}

function settingsOf(options: Partial<StreamingSettings>): StreamingSettings {
  const names = Object.keys(DEFAULT_SETTINGS) as (keyof StreamingSettings)[];
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return { ...DEFAULT_SETTINGS, ...(Object.fromEntries(given) as Partial<StreamingSettings>) };
}

/**
 * The SDKs read the first: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm. The command line `oci` reads the others:
 * https://docs.oracle.com/en-us/iaas/Content/API/SDKDocs/clienvironmentvariables.htm
 */
function environmentOf(endpoint: string, configFile: string): Readonly<Record<string, string>> {
  return { OCI_CONFIG_FILE: configFile, OCI_CLI_CONFIG_FILE: configFile, OCI_CLI_ENDPOINT: endpoint };
}

/** It polls as often as the service allows, because tests should not wait. */
function urlOf(streamPool: string, endpoint: string, configFile: string, getsPerSecond: number): string {
  const settings = new URLSearchParams({
    endpoint,
    leaseEndpoint: endpoint,
    configFile,
    pollMs: String(Math.max(LEAST_POLL_MS, Math.ceil(SECOND_MS / getsPerSecond))),
    "leases.namespace": NAMESPACE,
    "leases.bucket": LEASE_BUCKET,
  });
  return `oci-streaming://${REGION}/${streamPool}?${settings.toString()}`;
}
