import { createHash } from "node:crypto";

/** A record as the KPL aggregates it, of user records of fewer than 128 bytes: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md */
export function aggregateOf(records: readonly (readonly [key: string, value: string])[]): Buffer {
  const keys = [...new Set(records.map(([key]) => key))];
  const field = (tag: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const content = Buffer.concat([
    ...keys.map((key) => field(0x0a, Buffer.from(key))),
    ...records.map(([key, value]) => field(0x1a, Buffer.concat([Buffer.from([0x08, keys.indexOf(key)]), field(0x1a, Buffer.from(value))]))),
  ]);
  return Buffer.concat([Buffer.from("f3899ac2", "hex"), content, createHash("md5").update(content).digest()]);
}
