import { promisify } from "node:util";
import { gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import { corruptBatch, kafkaError } from "../errors.ts";
import { decompressLz4 } from "./lz4.ts";
import { decompressSnappy } from "./snappy.ts";

/** Codecs for writing. All of Kafka's codecs can be read. */
export type Compression = "none" | "gzip" | "zstd";

/** The numbers of the codecs in a batch. */
const NONE = 0;
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

const CODEC_NUMBERS: Readonly<Record<Compression, number>> = { none: NONE, gzip: GZIP, zstd: ZSTD };

export function codecNumber(compression: Compression): number {
  return CODEC_NUMBERS[compression];
}

const gzipAsync = promisify<Uint8Array, Buffer>(gzip);
const gunzipAsync = promisify<Uint8Array, Buffer>(gunzip);
const zstdCompressAsync = promisify<Uint8Array, Buffer>(zstdCompress);
const zstdDecompressAsync = promisify<Uint8Array, Buffer>(zstdDecompress);

/** Works in a thread of the pool, not on the event loop. */
export function compress(compression: Exclude<Compression, "none">, bytes: Uint8Array): Promise<Buffer> {
  return compression === "gzip" ? gzipAsync(bytes) : zstdCompressAsync(bytes);
}

/** @throws `corrupt` · `unsupported` for an unknown codec */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  switch (codec) {
    case GZIP:
    case ZSTD:
      try {
        return await (codec === GZIP ? gunzipAsync : zstdDecompressAsync)(bytes);
      } catch (cause) {
        throw corruptBatch(`a ${codec === GZIP ? "gzip" : "zstd"} batch cannot be decompressed`, cause);
      }
    case SNAPPY:
      return decompressSnappy(bytes);
    case LZ4:
      return decompressLz4(bytes);
    default:
      throw kafkaError(
        "unsupported",
        `a batch is compressed with codec ${codec}; known are none (0), gzip (1), snappy (2), lz4 (3) and zstd (4)`,
      );
  }
}
