import type { RecordParts } from "../../driver/record-parts.ts";
import type { HeaderList, StoredRecord } from "../../driver/record.ts";
import { textToBytes } from "../../text-bytes.ts";

const NOTHING = new DataView(new ArrayBuffer(0));

/** What a record tells of itself, or what is told of its parts where the driver's records do not. */
export function tellParts(record: Pick<StoredRecord, "key" | "value" | "headers" | "readParts">, parts: RecordParts): void {
  if (record.readParts === undefined) tellContent(record, parts);
  else record.readParts(parts);
}

/** The same from the parts. */
export function tellContent({ key, value, headers }: Pick<StoredRecord, "key" | "value" | "headers">, parts: RecordParts): void {
  parts.key(memoryOf(key), 0, key?.length ?? -1);
  parts.value(memoryOf(value), 0, value?.length ?? -1);
  for (const header of headers) tellHeader(header, parts);
}

function tellHeader([name, value]: HeaderList[number], parts: RecordParts): void {
  const nameBytes = textToBytes(name, "a header name");
  const bytes = value === null ? nameBytes : Buffer.concat([nameBytes, value]);
  parts.header(memoryOf(bytes), 0, nameBytes.length, nameBytes.length, value?.length ?? -1);
}

function memoryOf(bytes: Uint8Array | null): DataView {
  return bytes === null ? NOTHING : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
