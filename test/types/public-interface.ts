/**
 * What ships is what was agreed: every public type is assignable both ways to its counterpart in `agreed-interface.d.ts`,
 * and every public value can be used as the agreed one.
 */
import type * as agreedConformance from "contract/conformance";
import type * as agreedDriver from "contract/driver";
import type * as agreedEmulators from "contract/emulators";
import type * as agreedEventHubs from "contract/event-hubs";
import type * as agreedKinesis from "contract/kinesis";
import type * as agreedMemory from "contract/memory";
import type * as agreedOciStreaming from "contract/oci-streaming";
import type * as agreedPubSub from "contract/pubsub";
import type * as agreed from "contract";
import type * as shippedEmulators from "../../localstack/index.ts";
import type * as shippedEventHubs from "../../adapters/event-hubs/index.ts";
import type * as shippedKinesis from "../../adapters/kinesis/index.ts";
import type * as shippedMemory from "../../adapters/memory/index.ts";
import type * as shippedOciStreaming from "../../adapters/oci-streaming/index.ts";
import type * as shippedPubSub from "../../adapters/pubsub/index.ts";
import type * as shippedConformance from "../../src/conformance/index.ts";
import type * as shippedDriver from "../../src/driver/index.ts";
import type * as shipped from "../../src/index.ts";

type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** `true`, or a word on what is wrong: the compiler shows it at the line. Keys are compared too, as optional ones could go unnoticed. */
type Same<Agreed, Shipped> =
  IsAny<Agreed> extends true
    ? "the agreed type is any"
    : IsAny<Shipped> extends true
      ? "the shipped type is any"
      : [Shipped, keyof Shipped] extends [Agreed, keyof Agreed]
        ? [Agreed, keyof Agreed] extends [Shipped, keyof Shipped]
          ? true
          : "what was agreed is not accepted"
        : "what ships is not what was agreed";

type AllTrue<Checks extends Readonly<Record<string, true>>> = Checks;

interface Flight {
  readonly origin: string;
}

export type SameTypes = AllTrue<{
  capabilities: Same<agreed.Capabilities, shipped.Capabilities>;
  capability: Same<agreed.Capability, shipped.Capability>;
  limits: Same<agreed.Limits, shipped.Limits>;
  connectOptions: Same<agreed.ConnectOptions<"topicAdmin">, shipped.ConnectOptions<"topicAdmin">>;
  connection: Same<agreed.Connection, shipped.Connection>;
  grantedConnection: Same<agreed.Connection<"topicAdmin" | "lagInTime">, shipped.Connection<"topicAdmin" | "lagInTime">>;
  grantedBy: Same<agreed.GrantedBy<agreed.Driver<"tombstones">>, shipped.GrantedBy<shipped.Driver<"tombstones">>>;
  grantedByUrl: Same<agreed.GrantedBy<string>, shipped.GrantedBy<string>>;
  callOptions: Same<agreed.CallOptions, shipped.CallOptions>;
  closeOptions: Same<agreed.CloseOptions, shipped.CloseOptions>;
  health: Same<agreed.Health, shipped.Health>;
  topic: Same<agreed.Topic<Flight, { origin: string }>, shipped.Topic<Flight, { origin: string }>>;
  topicOptions: Same<agreed.TopicOptions<Flight, Flight, true>, shipped.TopicOptions<Flight, Flight, true>>;
  orTombstone: Same<agreed.OrTombstone<Flight, true>, shipped.OrTombstone<Flight, true>>;
  outgoingMessage: Same<agreed.OutgoingMessage<Flight>, shipped.OutgoingMessage<Flight>>;
  message: Same<agreed.Message<Flight>, shipped.Message<Flight>>;
  rawRecord: Same<agreed.RawRecord, shipped.RawRecord>;
  position: Same<agreed.Position, shipped.Position>;
  bookmark: Same<agreed.Bookmark, shipped.Bookmark>;
  codec: Same<agreed.Codec<Flight, string>, shipped.Codec<Flight, string>>;
  encodingTarget: Same<agreed.EncodingTarget, shipped.EncodingTarget>;
  standardSchema: Same<agreed.StandardSchema<string, Flight>, shipped.StandardSchema<string, Flight>>;
  producer: Same<agreed.Producer<Flight>, shipped.Producer<Flight>>;
  producerOptions: Same<agreed.ProducerOptions, shipped.ProducerOptions>;
  backoff: Same<agreed.Backoff, shipped.Backoff>;
  receipt: Same<agreed.Receipt, shipped.Receipt>;
  batchOutcome: Same<agreed.BatchOutcome, shipped.BatchOutcome>;
  consumer: Same<agreed.Consumer<Flight>, shipped.Consumer<Flight>>;
  consumerStatus: Same<agreed.ConsumerStatus, shipped.ConsumerStatus>;
  messageHandler: Same<agreed.MessageHandler<Flight>, shipped.MessageHandler<Flight>>;
  batchHandler: Same<agreed.BatchHandler<Flight>, shipped.BatchHandler<Flight>>;
  handlerContext: Same<agreed.HandlerContext, shipped.HandlerContext>;
  batchContext: Same<agreed.BatchContext<Flight>, shipped.BatchContext<Flight>>;
  consumerOptions: Same<agreed.ConsumerOptions, shipped.ConsumerOptions>;
  retryOptions: Same<agreed.RetryOptions, shipped.RetryOptions>;
  batchOptions: Same<agreed.BatchOptions, shipped.BatchOptions>;
  failureAction: Same<agreed.FailureAction, shipped.FailureAction>;
  failure: Same<agreed.Failure, shipped.Failure>;
  reader: Same<agreed.Reader<Flight>, shipped.Reader<Flight>>;
  readerOptions: Same<agreed.ReaderOptions, shipped.ReaderOptions>;
  from: Same<agreed.From, shipped.From>;
  until: Same<agreed.Until, shipped.Until>;
  gap: Same<agreed.Gap, shipped.Gap>;
  admin: Same<agreed.Admin, shipped.Admin>;
  grantedAdmin: Same<agreed.Admin<agreed.Capability>, shipped.Admin<shipped.Capability>>;
  topicSettings: Same<agreed.TopicSettings, shipped.TopicSettings>;
  topicDescription: Same<agreed.TopicDescription, shipped.TopicDescription>;
  groupDescription: Same<agreed.GroupDescription, shipped.GroupDescription>;
  lag: Same<agreed.Lag, shipped.Lag>;
  lagFigures: Same<agreed.LagFigures, shipped.LagFigures>;
  driver: Same<agreed.Driver<"partitions">, shipped.Driver<"partitions">>;
  streamError: Same<agreed.StreamError, shipped.StreamError>;
  streamErrorCode: Same<agreed.StreamErrorCode, shipped.StreamErrorCode>;
  streamErrorDetails: Same<agreed.StreamErrorDetails, shipped.StreamErrorDetails>;
  kinesisOptions: Same<agreedKinesis.KinesisOptions, shippedKinesis.KinesisOptions>;
  kinesisEnvelope: Same<agreedKinesis.Envelope, shippedKinesis.Envelope>;
  awsCredentials: Same<agreedKinesis.AwsCredentials, shippedKinesis.AwsCredentials>;
  awsClient: Same<agreedKinesis.AwsClient, shippedKinesis.AwsClient>;
  eventHubsOptions: Same<agreedEventHubs.EventHubsOptions, shippedEventHubs.EventHubsOptions>;
  tokenCredential: Same<agreedEventHubs.TokenCredential, shippedEventHubs.TokenCredential>;
  blobContainer: Same<agreedEventHubs.BlobContainer, shippedEventHubs.BlobContainer>;
  ociStreamingOptions: Same<agreedOciStreaming.OciStreamingOptions, shippedOciStreaming.OciStreamingOptions>;
  ociAuthentication: Same<agreedOciStreaming.OciAuthentication, shippedOciStreaming.OciAuthentication>;
  pubSubOptions: Same<agreedPubSub.PubSubOptions, shippedPubSub.PubSubOptions>;
  pubSubClient: Same<agreedPubSub.PubSubClient, shippedPubSub.PubSubClient>;
  memoryOptions: Same<agreedMemory.MemoryOptions, shippedMemory.MemoryOptions>;
  faultKind: Same<agreedEmulators.FaultKind, shippedDriver.FaultKind>;
  fault: Same<agreedEmulators.Fault, shippedDriver.Fault>;
  emulatorFault: Same<agreedEmulators.Fault, shippedEmulators.Fault>;
  emulator: Same<agreedEmulators.Emulator, shippedEmulators.Emulator>;
  damageOptions: Same<agreedEmulators.DamageOptions, shippedEmulators.DamageOptions>;
  emulatorOptions: Same<agreedEmulators.EmulatorOptions, shippedEmulators.EmulatorOptions>;
  emulatorTopic: Same<agreedEmulators.EmulatorTopic, shippedEmulators.EmulatorTopic>;
  emulatedProvider: Same<agreedEmulators.EmulatedProvider, shippedEmulators.EmulatedProvider>;
  caseResult: Same<agreedConformance.CaseResult, shippedConformance.CaseResult>;
}>;

/** Values may do more than was agreed (a case knows its gates, say), never less. */
type Covers<Agreed, Shipped> =
  IsAny<Shipped> extends true ? "the shipped type is any" : Shipped extends Agreed ? true : "does not cover what was agreed";

export type SameValues = AllTrue<{
  connect: Covers<typeof agreed.connect, typeof shipped.connect>;
  json: Covers<typeof agreed.json, typeof shipped.json>;
  text: Covers<typeof agreed.text, typeof shipped.text>;
  bytes: Covers<typeof agreed.bytes, typeof shipped.bytes>;
  isStreamError: Covers<typeof agreed.isStreamError, typeof shipped.isStreamError>;
  streamErrorClass: Covers<typeof agreed.StreamError, typeof shipped.StreamError>;
  kinesis: Covers<typeof agreedKinesis.kinesis, typeof shippedKinesis.kinesis>;
  pubsub: Covers<typeof agreedPubSub.pubsub, typeof shippedPubSub.pubsub>;
  memory: Covers<typeof agreedMemory.memory, typeof shippedMemory.memory>;
  eventHubs: Covers<typeof agreedEventHubs.eventHubs, typeof shippedEventHubs.eventHubs>;
  ociStreaming: Covers<typeof agreedOciStreaming.ociStreaming, typeof shippedOciStreaming.ociStreaming>;
  startEmulator: Covers<typeof agreedEmulators.startEmulator, typeof shippedEmulators.startEmulator>;
  conformanceCases: Covers<typeof agreedConformance.conformanceCases, typeof shippedConformance.conformanceCases>;
  openDriver: Covers<agreedDriver.OpenDriver, shippedDriver.OpenDriver>;
}>;
