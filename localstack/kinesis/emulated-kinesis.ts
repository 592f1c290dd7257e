import { isIPv6 } from "node:net";
import type { Fault, FaultKind } from "../../src/driver/index.ts";
import { type DamageOptions, damagedReadsOf } from "../damage-options.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { cannotListen } from "../listening-address.ts";
import { requireOpen } from "../require-open.ts";
import { type KinesisEmulatorOptions, settingsOf } from "./emulator-options.ts";
import { type PlannedAnswer, plannedAnswer } from "./faults/planned-answer.ts";
import { answer } from "./server/dispatcher.ts";
import { Listener } from "./server/listener.ts";
import { Service } from "./service.ts";
import type { ServiceSettings } from "./service-settings.ts";
import { createTopic, damageLastRecord, expireTopic, reshardTopic } from "./topic-control.ts";
import { LazyTables } from "./tables/lazy-tables.ts";

/** Kinesis Data Streams and DynamoDB in this process, behind one port. `README.md` says what they do not do. After `close`, methods fail with `closed`. */
export interface EmulatedKinesis extends AsyncDisposable {
  /** The URL for `connect`. It includes credentials. */
  readonly url: string;
  /** For `AWS_ENDPOINT_URL`, or the `endpoint` of a client: of Kinesis and of DynamoDB. */
  readonly endpoint: string;
  readonly region: string;
  /** For programs that use clients of AWS. */
  readonly environment: Readonly<Record<string, string>>;
  readonly accountId: string;
  /** Rejects with `already-exists`, `invalid-argument`. */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  readonly faultKinds: readonly FaultKind[];
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` · `unsupported` for an operation that its calls are not of */
  inject(fault: Fault): void;
  /** Plans what happens to calls of one operation: any error of the API, delays, stalls. */
  answerWith(answer: PlannedAnswer): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Changes the number of open shards by splits and merges, to any number and at once, as an on-demand stream does by itself. @throws `not-found` */
  reshard(topic: string, partitions: number): void;
  /** From now on these credentials have expired. @param which an access key or a session token; absent: all that have been used */
  expireCredentials(which?: string): void;
  /** How much the service's clock is ahead of this machine's. */
  setClockSkew(skewMs: number): void;
  /** Drops what is stored now, and closed shards, as if retention had passed. Rejects with `not-found`. */
  expire(topic: string): Promise<void>;
  /** Makes the record that was stored last in a shard unreadable. @throws `not-found` · `invalid-argument` for a shard that does not exist or is empty */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** Closes all connections, comes back at once, and takes all leases from their owners. */
  restart(): Promise<void>;
  /** Ends the service and drops its data. Never rejects. */
  close(): Promise<void>;
}

/** @throws `configuration` (dynalite is not installed; the port is taken) · `invalid-argument` for invalid options or topics */
export async function startEmulatedKinesis(options: KinesisEmulatorOptions = {}): Promise<EmulatedKinesis> {
  const { settings, host, advertisedHost, port, topics } = settingsOf(options);
  const { accountId, region } = settings.account;
  const tables = new LazyTables({ accountId, region, changeMs: 0, staleReadMs: settings.staleReadMs });
  const restart = async (): Promise<void> => {
    await Promise.all([listener.restart(), tables.areOpen ? service.leases.freeAll(null) : undefined]);
  };
  const service = new Service(settings, tables, () => {
    restart().catch((error: unknown) => process.emitWarning(`an emulated Kinesis did not start again: ${String(error)}`));
  });
  const listener = new Listener(
    host,
    () => service.clock,
    (call, gone) => answer(service, call, gone),
  );
  const close = async (): Promise<void> => {
    await listener.close();
    await tables.close();
  };
  try {
    await listener.listen(port);
    for (const [topic, topicSettings] of Object.entries(topics)) createTopic(service, topic, topicSettings);
  } catch (error) {
    await close();
    throw cannotListen("kinesis", "the emulated Kinesis", { host, port }, error);
  }
  const opened = (): Service => {
    requireOpen("kinesis", listener.isClosed);
    return service;
  };
  const endpoint = `http://${isIPv6(advertisedHost) ? `[${advertisedHost}]` : advertisedHost}:${listener.port}`;
  return {
    url: urlOf(settings, endpoint),
    endpoint,
    region,
    environment: environmentOf(settings, endpoint),
    accountId,
    createTopic: async (topic, topicSettings = {}) => createTopic(opened(), topic, topicSettings),
    faultKinds: service.plan.kinds,
    inject: (fault) => opened().plan.inject(fault),
    answerWith: (planned) => opened().plan.plan(plannedAnswer(planned)),
    clearFaults: () => {
      const { plan, invalidRecords } = opened();
      plan.clear();
      invalidRecords.clear();
    },
    reshard: (topic, partitions) => reshardTopic(opened(), topic, partitions),
    expireCredentials: (which) => opened().signatures.expire(which),
    setClockSkew: (skewMs) => {
      opened().clock.skewMs = skewMs;
    },
    expire: async (topic) => expireTopic(opened(), topic),
    damage: (topic, partition, damage) => damageLastRecord(opened(), topic, partition, damagedReadsOf(damage)),
    restart: async () => {
      opened();
      await restart();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function environmentOf({ account, secrets }: ServiceSettings, endpoint: string): Readonly<Record<string, string>> {
  const [key, secret] = firstKey(secrets);
  return {
    AWS_ENDPOINT_URL_KINESIS: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: account.region,
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
  };
}

/** Where all keys are accepted, any. */
function firstKey(secrets: ServiceSettings["secrets"]): readonly [key: string, secret: string] {
  return [...(secrets ?? [])][0] ?? ["emulator", "emulator"];
}

function urlOf({ account, secrets, pollMs }: ServiceSettings, endpoint: string): string {
  const [key, secret] = firstKey(secrets);
  return `kinesis://${encodeURIComponent(key)}:${encodeURIComponent(secret)}@${account.region}?endpoint=${endpoint}&pollMs=${pollMs}`;
}
