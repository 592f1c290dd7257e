import { crc32 } from "node:zlib";

const FRAME_MAGIC = Buffer.from("f7535046", "hex");
/** Version 1, and no messages: no frame has none. */
const FRAME_CONTENT = Buffer.from([1, 0]);

/**
 * What a client gets instead of damaged data, in base64. Services never damage data: this is for clients that must not lose what they cannot read.
 * A frame of `src/envelope/README.md` stays one by its checksum, and cannot be read; all other data has its bits inverted.
 */
export function damagedData(data: string): string {
  const bytes = Buffer.from(data, "base64");
  if (!bytes.subarray(0, FRAME_MAGIC.length).equals(FRAME_MAGIC)) return Buffer.from(bytes.map((byte) => ~byte)).toString("base64");
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(FRAME_CONTENT));
  return Buffer.concat([FRAME_MAGIC, checksum, FRAME_CONTENT]).toString("base64");
}
