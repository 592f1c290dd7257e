/**
 * The public interface as it was agreed: names and shapes that applications rely on. The sources are held against it by
 * `public-interface.ts`; a change here is a change of the contract and belongs in the changelog.
 */
declare module "contract" {
  export function connect<Target extends string | Driver, Required extends Capability = never>(
    target: Target,
    options?: ConnectOptions<Required>,
  ): Promise<Connection<GrantedBy<Target> | Required>>;
  export type GrantedBy<Target> = [Target] extends [Driver<infer Granted>] ? Granted : never;
  export interface ConnectOptions<Required extends Capability = never> {
    require?: readonly Required[] | undefined;
    topics?: Readonly<Record<string, string | undefined>> | undefined;
    groups?: Readonly<Record<string, string | undefined>> | undefined;
  }
  export interface Connection<Granted extends Capability = never> extends AsyncDisposable {
    readonly provider: string;
    readonly capabilities: Capabilities & { readonly [C in Granted]: true };
    readonly admin: Admin<Granted>;
    topic<T, Input = T, Tombstones extends boolean = false>(
      name: string,
      options: TopicOptions<T, Input, Tombstones>,
    ): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>>;
    check(options?: CallOptions): Promise<Health>;
    close(options?: CloseOptions): Promise<void>;
  }
  export interface CallOptions {
    signal?: AbortSignal | undefined;
  }
  export interface CloseOptions {
    timeoutMs?: number | undefined;
  }
  export interface Health {
    readonly ok: boolean;
    readonly latencyMs: number;
    readonly error: StreamError | null;
  }
  export interface Topic<T, Input = T> {
    readonly name: string;
    capabilities(options?: CallOptions): Promise<Capabilities>;
    producer(options?: ProducerOptions): Producer<Input>;
    consumer(options: ConsumerOptions): Consumer<T>;
    reader(options?: ReaderOptions): Reader<T>;
  }
  export interface TopicOptions<T, Input = T, Tombstones extends boolean = false> {
    codec: Codec<T, Input>;
    key?: ((value: Input) => string | null) | undefined;
    tombstones?: Tombstones | undefined;
  }
  export type OrTombstone<T, Tombstones extends boolean> = Tombstones extends true ? T | null : T;
  export interface OutgoingMessage<T> {
    value: T;
    key?: string | null | undefined;
    headers?: Readonly<Record<string, string>> | undefined;
    toPartition?: string | undefined;
    producedAt?: Date | number | bigint | undefined;
  }
  export interface Message<T> {
    readonly topic: string;
    readonly partition: string;
    readonly position: Position;
    readonly timestamp: Date;
    readonly key: string | null;
    readonly value: T;
    readonly headers: Readonly<Record<string, string>>;
    readonly raw: RawRecord;
    readonly native: unknown;
  }
  export interface RawRecord {
    readonly key: Uint8Array | null;
    readonly value: Uint8Array | null;
    readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
    readonly timestamp: bigint;
  }
  export type Position = string;
  export type Bookmark = string;
  export interface Codec<T, Input = T> {
    encode(value: Input, target: EncodingTarget): Uint8Array | Promise<Uint8Array>;
    decode(bytes: Uint8Array, message: Message<Uint8Array>): T | Promise<T>;
  }
  export interface EncodingTarget {
    readonly topic: string;
    readonly key: string | null;
    readonly headers: Record<string, string>;
  }
  export function json<T>(): Codec<T>;
  export function json<Output, Input>(schema: StandardSchema<Input, Output>): Codec<Output, Input>;
  export function text(): Codec<string>;
  export function bytes(): Codec<Uint8Array>;
  export interface StandardSchema<Input, Output> {
    readonly "~standard": {
      readonly version: 1;
      readonly vendor: string;
      readonly validate: (value: unknown) => unknown;
      readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    };
  }
  export interface Producer<T> extends AsyncDisposable {
    send(message: OutgoingMessage<T>, options?: CallOptions): Promise<Receipt>;
    sendBatch(messages: readonly OutgoingMessage<T>[], options?: CallOptions): Promise<readonly Receipt[]>;
    sendStream(messages: AsyncIterable<OutgoingMessage<T>> | Iterable<OutgoingMessage<T>>, options?: CallOptions): Promise<number>;
    releaseKey(key: string): void;
    flush(options?: CallOptions): Promise<void>;
    close(options?: CloseOptions): Promise<void>;
  }
  export interface ProducerOptions {
    maxBufferedBytes?: number | undefined;
    lingerMs?: number | undefined;
    deliveryTimeoutMs?: number | undefined;
    retry?: Backoff | undefined;
    onKeyFailure?: "continue" | "hold" | undefined;
    messageIds?: boolean | undefined;
  }
  export interface Backoff {
    initialDelayMs?: number | undefined;
    maxDelayMs?: number | undefined;
  }
  export interface Receipt {
    readonly partition: string | null;
    readonly position: Position | null;
    readonly timestamp: Date | null;
  }
  export interface BatchOutcome {
    readonly receipts: readonly (Receipt | null)[];
    readonly failures: readonly { readonly index: number; readonly error: StreamError }[];
  }
  export interface Consumer<T> extends AsyncIterable<Message<T>>, AsyncDisposable {
    run(handler: MessageHandler<T>): Promise<void>;
    runBatches(handler: BatchHandler<T>): Promise<void>;
    [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void>;
    readonly assigned: readonly string[];
    status(): ConsumerStatus;
    lag(options?: CallOptions): Promise<Lag>;
    pause(): void;
    resume(): void;
    close(options?: CloseOptions): Promise<void>;
  }
  export interface ConsumerStatus {
    readonly state: "idle" | "joining" | "running" | "paused" | "draining" | "closed" | "failed";
    readonly running: number;
    readonly buffered: number;
    readonly oldest: {
      readonly partition: string;
      readonly position: Position;
      readonly attempts: number;
      readonly sinceMs: number;
    } | null;
    readonly lastCommit: Date | null;
  }
  export type MessageHandler<T> = (message: Message<T>, context: HandlerContext) => unknown;
  export type BatchHandler<T> = (messages: readonly Message<T>[], context: BatchContext<T>) => unknown;
  export interface HandlerContext {
    readonly signal: AbortSignal;
    readonly attempt: number;
    readonly epoch: string | null;
  }
  export interface BatchContext<T> extends HandlerContext {
    fail(message: Message<T>, error: unknown): void;
  }
  export interface ConsumerOptions {
    group: string;
    initialPosition?: "earliest" | "latest" | "fail" | { timestamp: Date | number } | { bookmark: Bookmark } | undefined;
    order?: "key" | "partition" | "none" | undefined;
    maxAhead?: number | undefined;
    concurrency?: number | undefined;
    retry?: RetryOptions | undefined;
    onFailure?: FailureAction | ((failure: Failure) => FailureAction | Promise<FailureAction>) | undefined;
    handlerTimeoutMs?: number | undefined;
    batch?: BatchOptions | undefined;
    commit?: { everyMs?: number | undefined; everyMessages?: number | undefined; ahead?: boolean | undefined } | undefined;
    sessionTimeoutMs?: number | undefined;
    skipMigrated?: boolean | undefined;
    maxBufferedBytes?: number | undefined;
    onGap?: ((gap: Gap) => unknown) | undefined;
    onAssigned?: ((partitions: readonly string[]) => unknown) | undefined;
    onRevoked?: ((partitions: readonly string[]) => unknown) | undefined;
  }
  export interface RetryOptions extends Backoff {
    maxAttempts?: number | undefined;
    retryable?: ((error: unknown) => boolean) | undefined;
  }
  export interface BatchOptions {
    maxMessages?: number | undefined;
    maxWaitMs?: number | undefined;
  }
  export type FailureAction = "stop" | "skip" | { deadLetter: string };
  export interface Failure {
    readonly error: StreamError;
    readonly attempts: number;
    readonly message: Message<Uint8Array | null>;
  }
  export interface Reader<T> extends AsyncIterable<Message<T>>, AsyncDisposable {
    [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void>;
    batches(): AsyncIterable<readonly Message<T>[]>;
    bookmark(): Promise<Bookmark>;
    close(): Promise<void>;
  }
  export interface ReaderOptions {
    from?: From | undefined;
    until?: Until | undefined;
    partitions?: readonly string[] | undefined;
    batch?: BatchOptions | undefined;
    maxBufferedBytes?: number | undefined;
    onGap?: ((gap: Gap) => unknown) | undefined;
    onCorrupt?: ((error: StreamError, message: Message<Uint8Array | null>) => unknown) | undefined;
  }
  export type From = "earliest" | "latest" | { timestamp: Date | number } | { bookmark: Bookmark } | { at: Position } | { after: Position };
  export type Until = "now" | { timestamp: Date | number } | { bookmark: Bookmark } | { through: Position };
  export interface Gap {
    readonly topic: string;
    readonly partition: string;
    readonly resumesAt: Position | null;
    readonly missing: number | null;
  }
  export interface Admin<Granted extends Capability = never> {
    readonly capabilities: Capabilities & { readonly [C in Granted]: true };
    createTopic(this: Admin<"topicAdmin">, topic: string, settings?: TopicSettings, options?: CallOptions): Promise<void>;
    updateTopic(
      this: Admin<"topicAdmin">,
      topic: string,
      settings: TopicSettings & { mayReorder?: boolean | undefined },
      options?: CallOptions,
    ): Promise<void>;
    deleteTopic(this: Admin<"topicAdmin">, topic: string, options?: CallOptions): Promise<void>;
    describeTopic(topic: string, options?: CallOptions): Promise<TopicDescription>;
    listTopics(this: Admin<"topicListing">, options?: CallOptions): Promise<readonly string[]>;
    listGroups(this: Admin<"groupAdmin">, topic: string, options?: CallOptions): Promise<readonly string[]>;
    describeGroup(topic: string, group: string, options?: CallOptions): Promise<GroupDescription>;
    resetGroup(this: Admin<"groupReset">, topic: string, group: string, to: From, options?: CallOptions): Promise<void>;
    deleteGroup(this: Admin<"groupAdmin">, topic: string, group: string, options?: CallOptions): Promise<void>;
    lag(this: Admin<"lagInMessages"> | Admin<"lagInTime">, topic: string, group: string, options?: CallOptions): Promise<Lag>;
  }
  export interface TopicSettings {
    partitions?: number | undefined;
    retentionMs?: number | undefined;
  }
  export interface TopicDescription {
    readonly name: string;
    readonly nativeName: string;
    readonly partitions: readonly string[];
    readonly retentionMs: number | null;
    readonly maxMessageBytes: number;
  }
  export interface GroupDescription {
    readonly name: string;
    readonly nativeName: string;
    readonly members: number | null;
    readonly bookmark: Bookmark | null;
  }
  export interface Lag extends LagFigures {
    readonly partitions: readonly ({ readonly partition: string } & LagFigures)[];
  }
  export interface LagFigures {
    readonly messages: number | null;
    readonly timeMs: number | null;
  }
  export interface Capabilities {
    readonly partitions: boolean;
    readonly partitionGrowth: boolean;
    readonly partitionMerge: boolean;
    readonly topicAdmin: boolean;
    readonly receiptPositions: boolean;
    readonly startAtPosition: boolean;
    readonly startAtTimestamp: boolean;
    readonly readerEnd: "position" | "caught-up" | "quiet";
    readonly readerIsolation: "full" | "shared-throughput" | "own-consumer-group" | "creates-subscription";
    readonly growthKeepsKeyOrder: boolean;
    readonly recreationDetected: boolean;
    readonly gapDetected: boolean;
    readonly explicitPartition: boolean;
    readonly producerTimestamps: boolean;
    readonly topicListing: boolean;
    readonly groupAdmin: boolean;
    readonly groupMembers: boolean;
    readonly handledAhead: boolean;
    readonly fencing: boolean;
    readonly groupReset: boolean;
    readonly lagInMessages: boolean;
    readonly lagInTime: boolean;
    readonly tombstones: boolean;
    readonly binaryKeys: boolean;
    readonly exactHeaders: boolean;
    readonly bookmarkLifetimeMs: number | null;
    readonly endAtBookmark: boolean;
    readonly nativeHeaders: boolean;
    readonly orderingUnit: "partition" | "key";
    readonly limits: Limits;
  }
  export type Capability = {
    [C in keyof Capabilities]: Capabilities[C] extends boolean ? C : never;
  }[keyof Capabilities];
  export interface Limits {
    readonly messageBytes: number;
    readonly keyBytes: number;
    readonly headerBytes: number;
    readonly headerCount?: number | undefined;
    readonly headerNameBytes?: number | undefined;
    readonly headerValueBytes?: number | undefined;
  }
  export interface Driver<Granted extends Capability = never> {
    readonly specVersion: 1;
    readonly provider: string;
    readonly capabilities: Capabilities & { readonly [C in Granted]: true };
    refuseTopicName(name: string): string | null;
    refuseGroupName(name: GroupName): string | null;
    open(context: OpenContext): ProviderDriver;
  }
  // oxlint-disable-next-line typescript/consistent-type-imports -- a declared module has no relative imports; `src/driver/` is the agreement
  type OpenContext = import("../../src/driver/index.ts").OpenContext;
  // oxlint-disable-next-line typescript/consistent-type-imports -- as above
  type GroupName = import("../../src/driver/index.ts").GroupName;
  // oxlint-disable-next-line typescript/consistent-type-imports -- as above
  type ProviderDriver = import("../../src/driver/index.ts").ProviderDriver;
  export class StreamError extends Error {
    constructor(code: StreamErrorCode, message: string, details?: StreamErrorDetails);
    static [Symbol.hasInstance](value: unknown): value is StreamError;
    readonly code: StreamErrorCode;
    readonly retryable: boolean;
    readonly provider: string | undefined;
    readonly operation: string | undefined;
    readonly topic: string | undefined;
    readonly partition: string | undefined;
    readonly position: Position | undefined;
    readonly capability: keyof Capabilities | undefined;
    readonly batch: BatchOutcome | undefined;
    readonly stored: number | undefined;
  }
  export type StreamErrorDetails = { cause?: unknown } & Partial<
    Pick<StreamError, "retryable" | "provider" | "operation" | "topic" | "partition" | "position" | "capability" | "batch" | "stored">
  >;
  export function isStreamError<Code extends StreamErrorCode = StreamErrorCode>(
    error: unknown,
    ...codes: readonly Code[]
  ): error is StreamError & { readonly code: Code };
  export type StreamErrorCode =
    | "invalid-argument"
    | "configuration"
    | "unauthenticated"
    | "permission-denied"
    | "not-found"
    | "already-exists"
    | "conflict"
    | "throttled"
    | "unavailable"
    | "timeout"
    | "too-large"
    | "unsupported"
    | "position-out-of-range"
    | "position-mismatch"
    | "key-blocked"
    | "ownership-lost"
    | "outcome-unknown"
    | "handler-failed"
    | "corrupt"
    | "closed"
    | "internal";
}

declare module "contract/memory" {
  import type { Capability, Driver, TopicSettings } from "contract";
  export function memory(options?: MemoryOptions): Driver<Capability>;
  export interface MemoryOptions {
    name?: string | undefined;
    topics?: Readonly<Record<string, TopicSettings>> | undefined;
    like?: "kafka" | "kinesis" | "event-hubs" | "pubsub" | "oci-streaming" | undefined;
    without?: readonly Capability[] | undefined;
    delayMs?: number | undefined;
  }
}

declare module "contract/kinesis" {
  import type { Capability, Driver } from "contract";
  export function kinesis(
    options?: KinesisOptions,
  ): Driver<Exclude<Capability, "lagInMessages" | "binaryKeys" | "nativeHeaders" | "producerTimestamps">>;
  export interface KinesisOptions {
    region?: string | undefined;
    endpoint?: string | undefined;
    credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
    client?: AwsClient | undefined;
    leaseClient?: AwsClient | undefined;
    envelope?: Envelope | Readonly<Record<string, Envelope>> | undefined;
    leaseEndpoint?: string | undefined;
    pollMs?: number | undefined;
    maxRequestBytes?: number | undefined;
  }
  export type Envelope = "frame" | "raw";
  export interface AwsCredentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string | undefined;
    expiration?: Date | undefined;
  }
  export interface AwsClient {
    readonly config: { readonly serviceId: string };
    send(command: never): Promise<unknown>;
  }
}

declare module "contract/event-hubs" {
  import type { Capability, Driver } from "contract";
  export function eventHubs(
    options: EventHubsOptions,
  ): Driver<
    Exclude<
      Capability,
      | "topicAdmin"
      | "topicListing"
      | "partitionGrowth"
      | "partitionMerge"
      | "growthKeepsKeyOrder"
      | "receiptPositions"
      | "lagInTime"
      | "binaryKeys"
      | "exactHeaders"
      | "producerTimestamps"
    >
  >;
  export type EventHubsOptions = {
    checkpoints?: BlobContainer | undefined;
    readerGroup?: string | undefined;
    developmentEmulator?: boolean | undefined;
    webSockets?: boolean | undefined;
  } & ({ namespace: string; credential?: TokenCredential | undefined } | { connectionString: string });
  export interface TokenCredential {
    getToken(scopes: string | string[]): Promise<{ token: string; expiresOnTimestamp: number } | null>;
  }
  export type BlobContainer = string | { readonly containerName: string; readonly url: string };
}

declare module "contract/pubsub" {
  import type { Driver } from "contract";
  export function pubsub(
    options?: PubSubOptions,
  ): Driver<
    | "topicAdmin"
    | "topicListing"
    | "groupAdmin"
    | "groupReset"
    | "startAtTimestamp"
    | "receiptPositions"
    | "tombstones"
    | "nativeHeaders"
    | "growthKeepsKeyOrder"
  >;
  export interface PubSubOptions {
    project?: string | undefined;
    endpoint?: string | undefined;
    seekSettlingMs?: number | undefined;
    quietMs?: number | undefined;
    googleEmulator?: boolean | undefined;
    exactlyOnce?: boolean | undefined;
    auth?: object | undefined;
    client?: PubSubClient | undefined;
  }
  export interface PubSubClient {
    readonly projectId: string;
    topic(name: string): object;
    subscription(name: string): object;
  }
}

declare module "contract/oci-streaming" {
  import type { Capability, Driver } from "contract";
  export function ociStreaming(
    options: OciStreamingOptions,
  ): Driver<
    Exclude<
      Capability,
      | "partitionGrowth"
      | "partitionMerge"
      | "growthKeepsKeyOrder"
      | "explicitPartition"
      | "producerTimestamps"
      | "nativeHeaders"
      | "lagInMessages"
      | "lagInTime"
    >
  >;
  export interface OciStreamingOptions {
    region: string;
    streamPool: string;
    endpoint?: string | undefined;
    configFile?: string | undefined;
    profile?: string | undefined;
    leaseEndpoint?: string | undefined;
    pollMs?: number | undefined;
    auth?: "config-file" | "session-token" | "instance-principal" | "resource-principal" | "workload-identity" | undefined;
    authentication?: OciAuthentication | undefined;
    leases?: "memory" | { namespace: string; bucket: string } | undefined;
    envelope?: "frame" | "raw" | undefined;
  }
  export interface OciAuthentication {
    getKeyId(): Promise<string>;
    getPrivateKey(): string;
    getPassphrase(): string | null;
  }
}

declare module "contract/emulators" {
  import type { TopicSettings } from "contract";
  export type EmulatedProvider = "memory" | "kafka" | "kinesis" | "event-hubs" | "pubsub" | "oci-streaming";
  export function startEmulator(provider: EmulatedProvider, options?: EmulatorOptions): Promise<Emulator>;
  export interface EmulatorOptions {
    topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
    port?: number | undefined;
  }
  export interface DamageOptions {
    times?: number | undefined;
  }
  export interface Emulator extends AsyncDisposable {
    readonly url: string;
    readonly environment?: Readonly<Record<string, string>> | undefined;
    createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
    readonly faultKinds: readonly FaultKind[];
    inject(fault: Fault): void | Promise<void>;
    compact?(topic: string): Promise<void>;
    expire?(topic: string): Promise<void>;
    damage?(topic: string, partition: string, options?: DamageOptions): void;
    clearFaults(): void;
    close(): Promise<void>;
  }
  export type EmulatorTopic = TopicSettings & { groups?: readonly string[] | undefined };
  export interface Fault {
    kind: FaultKind;
    after?: number | undefined;
    times?: number | undefined;
    durationMs?: number | undefined;
    topic?: string | undefined;
    partition?: string | undefined;
    operation?: "publish" | "fetch" | "commit" | "admin" | undefined;
  }
  export type FaultKind =
    | "throttle"
    | "fail-entry"
    | "fail-before-write"
    | "fail-after-write"
    | "disconnect"
    | "stall"
    | "expire-cursor"
    | "steal-partition"
    | "lose-coordinator"
    | "refuse-authorization"
    | "restart";
}

declare module "contract/driver" {
  import type { Driver } from "contract";
  export type OpenDriver = (url: string) => Driver;
}

declare module "contract/conformance" {
  import type { Connection } from "contract";
  import type { Emulator } from "contract/emulators";
  export function conformanceCases(): readonly ConformanceCase[];
  export interface ConformanceCase {
    readonly name: string;
    readonly promise: number;
    readonly mutant: string;
    run(target: ConformanceTarget, signal: AbortSignal): Promise<CaseResult>;
  }
  export interface ConformanceTarget {
    connect(): Promise<Connection>;
    topics?: readonly string[] | undefined;
    groups?: readonly string[] | undefined;
    emulator?: Emulator | undefined;
    compact?(topic: string): Promise<void>;
    expire?(topic: string): Promise<void>;
  }
  export interface CaseResult {
    readonly result: "passed" | "failed" | "unsupported" | "environment-missing";
    readonly reason: string | null;
    readonly seconds: number;
  }
}
