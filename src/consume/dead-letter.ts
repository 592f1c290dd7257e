import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import { headerBytes } from "../record-limits.ts";
import type { RecordSender } from "../record-sender.ts";
import type { Failure } from "./consumer-types.ts";

const PREFIX = "streamport-failure-";

/**
 * The dead letter of a message: the same key, value bytes and headers, followed by headers that say why it failed. Where they
 * exceed the limits of the target, these are left out in this order: the end of the failure's text, all but its code, its code.
 * The original is never changed.
 */
export function deadLetterRecord(failure: Failure, group: string, target: Pick<RecordSender, "limits" | "recordBytes">): OutgoingRecord {
  const { error, attempts, message } = failure;
  const code = header("code", error.code);
  const rest = [
    header("attempts", String(attempts)),
    header("topic", message.topic),
    header("partition", message.partition),
    header("position", message.position),
    header("group", group),
    header("time", new Date().toISOString()),
  ];
  const text = Buffer.from(describe(failure), "utf8");
  const withText = (bytes: Uint8Array): HeaderList => [code, [`${PREFIX}message`, bytes], ...rest];
  const full = recordOf(failure, withText(text));
  const over = excessBytes(full, target);
  if (over <= 0) return full;
  const shorter = recordOf(failure, withText(truncate(text, text.length - over)));
  for (const candidate of [shorter, recordOf(failure, [code])]) if (excessBytes(candidate, target) <= 0) return candidate;
  return recordOf(failure, []);
}

function header(name: string, text: string): HeaderList[number] {
  return [PREFIX + name, Buffer.from(text, "utf8")];
}

/** The text of our error, and that of the handler's error. Both are meant for the person who looks into the failure. */
function describe({ error }: Failure): string {
  const why = error.cause instanceof Error ? error.cause.message : "";
  return error.message.endsWith(why) ? error.message : `${error.message}: ${why}`;
}

function recordOf({ message: { raw } }: Failure, added: HeaderList): OutgoingRecord {
  return { key: raw.key, value: raw.value, headers: [...raw.headers, ...added], timestampMs: null, toPartition: undefined };
}

/** By how many bytes a record exceeds the limits; 0 or less: it fits. */
function excessBytes(record: OutgoingRecord, target: Pick<RecordSender, "limits" | "recordBytes">): number {
  return Math.max(headerBytes(record.headers) - target.limits.headerBytes, target.recordBytes(record) - target.limits.messageBytes);
}

/** At most so many bytes, without a broken character at the end. */
function truncate(text: Buffer, bytes: number): Uint8Array {
  let end = Math.max(0, Math.min(bytes, text.length));
  while (end > 0 && end < text.length && (text[end]! & 0xc0) === 0x80) end -= 1;
  return text.subarray(0, end);
}
