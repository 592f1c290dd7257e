/**
 * The frame, for adapters of services whose records have a partition key and bytes, and nothing else: headers, exact keys, tombstones and
 * several messages in one record. `README.md` in this folder describes the bytes.
 */
export { FRAME_HEADER_OVERHEAD_BYTES, FRAME_RECORD_OVERHEAD_BYTES } from "./frame-format.ts";
export { FrameWriter } from "./frame-writer.ts";
export type { FrameBounds, FrameMessage } from "./frame-writer.ts";
export type { FramedRecord, ServiceRecord } from "./framed-record.ts";
export { comparePackedPositions, firstPosition, packedPosition, recordStart } from "./packed-position.ts";
export type { RecordStart } from "./packed-position.ts";
export { partitionKeyOf } from "./partition-key.ts";
export { unpackRecord } from "./unpack-record.ts";
export type { ForeignReason, UnpackedRecord } from "./unpack-record.ts";
