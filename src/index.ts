/** The application's whole surface. Adapters have subpaths of their own: "streamport/memory". */
export { connect } from "./connect.ts";
export type { ConnectOptions, Connection, GrantedBy, Health } from "./connection-types.ts";
export type { CallOptions, CloseOptions } from "./call-options.ts";
export type { OrTombstone, Topic, TopicOptions } from "./topic-types.ts";
export type { Message, OutgoingMessage, RawRecord } from "./message.ts";
export type { Bookmark, Position } from "./tokens.ts";
export type { Codec, EncodingTarget, StandardSchema } from "./codec/codec.ts";
export { json } from "./codec/json.ts";
export { text } from "./codec/text.ts";
export { bytes } from "./codec/bytes.ts";
export type { Producer, ProducerOptions } from "./publish/producer-types.ts";
export type { Backoff } from "./back-off.ts";
export type {
  BatchContext,
  BatchHandler,
  Consumer,
  ConsumerOptions,
  ConsumerStatus,
  Failure,
  FailureAction,
  HandlerContext,
  MessageHandler,
  RetryOptions,
} from "./consume/consumer-types.ts";
export type { BatchOptions } from "./batch-options.ts";
export type { Reader, ReaderOptions } from "./replay/reader-types.ts";
export type { From, Gap, Until } from "./position/range-types.ts";
export type { Admin, GroupDescription, TopicDescription } from "./admin/admin-types.ts";
export type { Lag, LagFigures } from "./lag.ts";
export type { TopicSettings } from "./topic-settings.ts";
export type { Capabilities, Capability, Limits } from "./capabilities.ts";
export type {
  CallEvent,
  CommitEvent,
  DeliverEvent,
  GapEvent,
  HandleEvent,
  OwnershipEvent,
  RetryEvent,
  SendEvent,
  ThrottleEvent,
  WarningEvent,
} from "./diagnostics/channels.ts";
export type { Driver } from "./driver/provider-driver.ts";
export { StreamError, isStreamError } from "./errors.ts";
export type { BatchOutcome, StreamErrorCode, StreamErrorDetails } from "./errors.ts";
export type { Receipt } from "./receipt.ts";
