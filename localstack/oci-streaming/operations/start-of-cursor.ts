import type { JsonBody } from "../server/json-body.ts";
import { invalidParameter, missingParameter } from "../server/service-error.ts";
import type { PartitionLog } from "../streams/partition-log.ts";

/** The types without an offset: all that groups have. */
export const GROUP_TYPES: readonly string[] = ["TRIM_HORIZON", "LATEST", "AT_TIME"];

/**
 * Where a cursor begins in a partition. @throws `ServiceError` 400
 * https://docs.oracle.com/iaas/Content/Streaming/Tasks/using_a_single_consumer.htm
 */
export function startOfCursor(log: PartitionLog, type: string, body: JsonBody): bigint {
  switch (type) {
    case "TRIM_HORIZON":
      return log.oldestOffset ?? log.nextOffset;
    case "LATEST":
      return log.nextOffset;
    case "AT_TIME":
      return log.offsetAt(timeOfCursor(type, body)!);
    case "AT_OFFSET":
      return offsetWithin(log, body);
    case "AFTER_OFFSET":
      return offsetWithin(log, body) + 1n;
    default:
      throw invalidParameter("type is not a type of a cursor");
  }
}

/** From the offset of the oldest message to that of the newest one, as documented. An empty partition takes none: that is how we read it. */
function offsetWithin(log: PartitionLog, body: JsonBody): bigint {
  const offset = body.integer("offset");
  if (offset === null) throw missingParameter("offset");
  const [oldest, last] = [log.oldestOffset, log.lastOffset];
  if (oldest !== null && last !== null && offset >= oldest && offset <= last) return offset;
  const allowed = oldest === null ? "the partition has no message" : `the partition has messages from ${oldest} to ${last}`;
  throw invalidParameter(`The offset ${offset} is out of range: ${allowed}`);
}

/**
 * The time from which a cursor reads; `null`: not by time. In whole milliseconds: of a finer time the next one, because a cursor begins at
 * the time or behind it.
 */
export function timeOfCursor(type: string, body: JsonBody): number | null {
  if (type !== "AT_TIME") return null;
  const text = body.text("time");
  if (text === null) throw missingParameter("time");
  const ms = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw invalidParameter("time must be a time of RFC 3339");
  return /\.\d{3}\d*[1-9]/.test(text) ? ms + 1 : ms;
}
