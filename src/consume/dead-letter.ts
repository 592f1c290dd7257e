import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import { headerBytes, isWithinLimits } from "../record-limits.ts";
import type { RecordSender } from "../record-sender.ts";
import type { Failure } from "./consumer-types.ts";

type Header = HeaderList[number];

const PREFIX = "streamport-failure-";
const NO_BYTES = new Uint8Array(0);

/**
 * The dead letter of a message: the same key, value bytes and headers, followed by headers that say why it failed. These are cut to what
 * the target takes (count, names, values, all together): the text of the error is truncated, and what still does not fit is left out,
 * the code last. So no failure is too long to be stored. Where the target keeps only one header of a name, they replace those of an
 * earlier failure. The original is never changed.
 */
export function deadLetterRecord(
  failure: Failure,
  group: string,
  target: Pick<RecordSender, "limits" | "capabilities" | "recordBytes">,
): OutgoingRecord {
  const { raw } = failure.message;
  const original = target.capabilities.exactHeaders ? raw.headers : raw.headers.filter(([name]) => !name.startsWith(PREFIX));
  const letter = (added: readonly Header[]): OutgoingRecord => {
    return { key: raw.key, value: raw.value, headers: [...original, ...added], timestampMs: null, toPartition: undefined };
  };
  const fits = (record: OutgoingRecord): boolean =>
    isWithinLimits({ key: record.key, headers: record.headers, bytes: target.recordBytes(record) }, target.limits);

  const text = header("message", NO_BYTES);
  const added: Header[] = [];
  for (const candidate of byWorth(failure, group, text)) if (fits(letter([...added, candidate]))) added.push(candidate);
  if (!added.includes(text)) return letter(added);
  const { headerValueBytes = Infinity, headerBytes: ofAll, messageBytes } = target.limits;
  const { headers } = letter(added);
  const room = Math.min(headerValueBytes, ofAll - headerBytes(headers), messageBytes - target.recordBytes(letter(added)));
  const truncated = header("message", truncate(Buffer.from(describe(failure), "utf8"), room));
  return letter(added.flatMap((one) => (one !== text ? [one] : truncated[1]!.length === 0 ? [] : [truncated])));
}

/** What is worth most comes first. `text`: still empty; it gets the room that the others leave. */
function byWorth({ error, attempts, message }: Failure, group: string, text: Header): readonly Header[] {
  return [
    header("code", error.code),
    text,
    header("position", message.position),
    header("topic", message.topic),
    header("partition", message.partition),
    header("group", group),
    header("attempts", String(attempts)),
    header("time", new Date().toISOString()),
  ];
}

function header(name: string, value: string | Uint8Array): Header {
  return [PREFIX + name, typeof value === "string" ? Buffer.from(value, "utf8") : value];
}

/** The text of our error, and that of the handler's error. Both are meant for the person who looks into the failure. */
function describe({ error }: Failure): string {
  const why = error.cause instanceof Error ? error.cause.message : "";
  return error.message.endsWith(why) ? error.message : `${error.message}: ${why}`;
}

/** At most so many bytes, without a broken character at the end. */
function truncate(text: Buffer, bytes: number): Uint8Array {
  let end = Math.max(0, Math.min(bytes, text.length));
  while (end > 0 && end < text.length && (text[end]! & 0xc0) === 0x80) end -= 1;
  return text.subarray(0, end);
}
