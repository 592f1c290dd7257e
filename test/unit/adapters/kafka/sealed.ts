import { crc32c } from "../../../../adapters/kafka/log/crc32c.ts";

/** The batch with the checksum of its present bytes. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}
