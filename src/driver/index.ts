/** The contract that an adapter fulfils, and what it needs from the core. See `adapters/README.md`. */
export type { Driver, OpenContext, OpenDriver, ProviderDriver, ReachedPart } from "./provider-driver.ts";
export type { CallShape, CallSlice, ProducerDriver, PublishCall, RecordResult, SliceResult } from "./producer-driver.ts";
export type { Assignment, ChildPartition, ConsumerDriver, ConsumerSettings, DriverGap, Settlement, Sink } from "./consumer-driver.ts";
export type { PartitionEnd, RangePartition, RangeRequest, ReaderDriver, ReaderSink, ResolvedRange, StopPoint } from "./reader-driver.ts";
export type { AdminDriver, DriverGroupDescription, DriverTopicDescription, GroupName, LagRequest, ListedGroup } from "./admin-driver.ts";
export type { GuardedOperation, Permission } from "./permission.ts";
export type {
  HeaderList,
  OutgoingRecord,
  PartitionPlace,
  Place,
  PositionPlace,
  StartPoint,
  StoredRecord,
  UnreadableRange,
} from "./record.ts";
export type { DriverReport, Report } from "./report.ts";
export type { Fault, FaultKind } from "./fault.ts";
export type { Capabilities, Capability, Limits } from "../capabilities.ts";
export type { StoredTime } from "../stored-time.ts";
export { toStoredTime } from "../stored-time.ts";
export type { TopicIdentity } from "../position.ts";
export type { Lag, LagFigures, TopicSettings } from "../admin/admin-types.ts";
export { StreamError, isStreamError } from "../errors.ts";
export type { StreamErrorCode, StreamErrorDetails } from "../errors.ts";
export { bytesToText, textToBytes } from "../text-bytes.ts";
