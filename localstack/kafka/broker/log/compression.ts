import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ErrorCode, Refusal } from "../error-code.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";

/** Kafka's codecs in the order of their numbers. */
export const CODECS = ["uncompressed", "gzip", "snappy", "lz4", "zstd"] as const;

/** The codec number of zstd, which old versions of Produce and Fetch do not have. */
export const ZSTD = 4;
/** The largest size of one batch without compression: far more than a request can hold, but not enough to fill the memory. */
const LARGEST_OUTPUT = { maxOutputLength: 256 * 1_048_576 };

interface CodecFunctions {
  readonly compress: (bytes: Buffer) => Buffer;
  readonly decompress: (packed: Buffer) => Buffer;
}

/** The codecs by number. Snappy and LZ4 store the records without compressing them; clients only see that in the size. */
const FUNCTIONS: readonly CodecFunctions[] = [
  { compress: (bytes) => bytes, decompress: (bytes) => bytes },
  { compress: (bytes) => gzipSync(bytes), decompress: checked("gzip", (packed) => gunzipSync(packed, LARGEST_OUTPUT)) },
  { compress: compressSnappy, decompress: decompressSnappy },
  { compress: compressLz4, decompress: decompressLz4 },
  { compress: (bytes) => zstdCompressSync(bytes), decompress: checked("zstd", (packed) => zstdDecompressSync(packed, LARGEST_OUTPUT)) },
];

/** The records of a batch. @throws `Refusal` if the codec is unknown or its data are invalid */
export function decompress(codec: number, payload: Buffer): Buffer {
  return functionsOf(codec).decompress(payload);
}

export function compress(codec: number, payload: Buffer): Buffer {
  return functionsOf(codec).compress(payload);
}

function functionsOf(codec: number): CodecFunctions {
  const functions = FUNCTIONS[codec];
  if (functions === undefined) throw new Refusal(ErrorCode.unknownServerError, `there is no compression codec ${codec}`);
  return functions;
}

function checked(codec: string, unpack: (packed: Buffer) => Buffer): (packed: Buffer) => Buffer {
  return (packed) => {
    try {
      return unpack(packed);
    } catch (cause) {
      const refusal = new Refusal(ErrorCode.unknownServerError, `a batch is not what ${codec} makes`);
      refusal.cause = cause;
      throw refusal;
    }
  };
}
