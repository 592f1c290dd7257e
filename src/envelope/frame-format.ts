/** The layout of a frame; `README.md` in this folder describes it byte by byte. */

/** Big-endian. Its first byte occurs in no UTF-8 text. */
export const MAGIC = 0xf7_53_50_46;
/** CRC-32 of everything behind it, big-endian. Magic, checksum and version lie here in every version of the format. */
export const CHECKSUM_AT = 4;
export const VERSION_AT = 8;
export const CONTENT_AT = 9;
export const VERSION = 1;

/** Bits of the first byte of a message. The other bits are 0. */
export const SAME_KEY = 0x01;
export const HAS_ID = 0x02;
export const HAS_TIMESTAMP = 0x04;
export const HAS_HEADERS = 0x08;
export const KNOWN_FLAGS = SAME_KEY | HAS_ID | HAS_TIMESTAMP | HAS_HEADERS;

/** Numbers have at most this many bytes with seven bits each. */
export const MAX_NUMBER_BYTES = 4;
/** No frame is longer, so every length is such a number. */
export const MAX_FRAME_BYTES = 2 ** 28 - 2;
/** Flags, and a value. No message is shorter. */
export const LEAST_MESSAGE_BYTES = 2;
export const TIMESTAMP_BYTES = 8;

/**
 * Upper bounds for `CallShape`: a frame of these messages has at most the bytes of their keys, values and headers, and this for each message
 * and each header. What an adapter gives as `id` comes to it, with its length of one byte (up to 127 bytes).
 */
export const FRAME_RECORD_OVERHEAD_BYTES = CONTENT_AT + 1 + 1 + 3 * MAX_NUMBER_BYTES + TIMESTAMP_BYTES;
export const FRAME_HEADER_OVERHEAD_BYTES = 2 * MAX_NUMBER_BYTES;
