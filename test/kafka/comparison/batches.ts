import { type BatchHeader, writeBatch } from "../../../localstack/kafka/broker/log/record-batch.ts";

export interface RecordContent {
  readonly key?: string | null;
  readonly value?: string | null;
  readonly timestampDelta?: number;
  readonly offsetDelta?: number;
}

/** A batch of a producer, with the given changes. */
export function batch(
  contents: readonly RecordContent[],
  header: Partial<BatchHeader> = {},
  pack: (payload: Buffer) => Uint8Array = (payload) => payload,
): Buffer {
  const baseTimestamp = header.baseTimestamp ?? BigInt(Date.now());
  const records = contents.map((content, index) => record({ offsetDelta: index, ...content }));
  const complete: BatchHeader = {
    baseOffset: 0n,
    leaderEpoch: -1,
    attributes: 0,
    lastOffsetDelta: contents.length - 1,
    baseTimestamp,
    maxTimestamp: baseTimestamp + BigInt(Math.max(0, ...contents.map(({ timestampDelta = 0 }) => timestampDelta))),
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    count: contents.length,
    ...header,
  };
  return writeBatch(complete, pack(Buffer.concat(records)));
}

function record({ key = null, value = "value", timestampDelta = 0, offsetDelta = 0 }: RecordContent): Buffer {
  const body = Buffer.concat([Buffer.from([0]), varint(timestampDelta), varint(offsetDelta), ...bytes(key), ...bytes(value), varint(0)]);
  return Buffer.concat([varint(body.length), body]);
}

function bytes(text: string | null): Buffer[] {
  return text === null ? [varint(-1)] : [varint(Buffer.byteLength(text)), Buffer.from(text)];
}

/** A zigzag number. */
function varint(value: number): Buffer {
  const output: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    output.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...output, rest]);
}

/** The values in batches that are not compressed, with their offsets: `["0 value"]`. */
export function valuesIn(batches: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + 61 <= batches.length;) {
    const end = at + 12 + batches.readInt32BE(at + 8);
    if (end > batches.length) break;
    const baseOffset = batches.readBigInt64BE(at);
    const attributes = batches.readInt16BE(at + 21);
    const cursor = { at: at + 61 };
    for (let left = batches.readInt32BE(at + 57); left > 0; left -= 1) {
      const length = readVarint(batches, cursor);
      const next = cursor.at + length;
      cursor.at += 1;
      readVarint(batches, cursor);
      const offset = baseOffset + BigInt(readVarint(batches, cursor));
      const keyBytes = readVarint(batches, cursor);
      cursor.at += Math.max(0, keyBytes);
      const valueBytes = readVarint(batches, cursor);
      const value = valueBytes < 0 ? "null" : batches.toString("utf8", cursor.at, cursor.at + valueBytes);
      found.push((attributes & 0x20) === 0 ? `${offset} ${value}` : `${offset} control`);
      cursor.at = next;
    }
    at = end;
  }
  return found;
}

function readVarint(buffer: Buffer, cursor: { at: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = buffer[cursor.at]!;
    cursor.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
