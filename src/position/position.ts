import { crc32 } from "node:zlib";
import { StreamError } from "../errors.ts";
import type { Bookmark, Position } from "../tokens.ts";

/** What the messages of one partition have in common. One object for each assignment, not for each message. */
export interface MessageSource {
  readonly provider: string;
  /** As the application calls it. */
  readonly topic: string;
  readonly partition: string;
  readonly identity: TopicIdentity;
  /** The public position of a record with this position of the driver's. */
  readonly positionOf: (position: string) => Position;
}

/**
 * Which log a topic really is. Two topics are the same log exactly when all three are equal. `incarnation` changes when a
 * topic is deleted and created again; it is the empty string where the provider does not show it (`recreationDetected`).
 */
export interface TopicIdentity {
  /** The cluster, account and region, namespace, project or stream pool. Never a credential. */
  readonly cluster: string;
  /** The provider's own name of the topic. */
  readonly topic: string;
  readonly incarnation: string;
}

/** A decoded position: where it belongs, and the driver's own position. */
export interface PositionParts extends TopicIdentity {
  readonly provider: string;
  readonly partition: string;
  /** The driver's own position within the partition. */
  readonly position: string;
}

const POSITION_MARK = "p1.";
const BOOKMARK_MARK = "b1.";

/** A token is a mark, the content, and a checksum over both, so that a cut or changed token is recognised before its content is used. */
function seal(mark: string, content: unknown): string {
  const body = Buffer.from(JSON.stringify(content), "utf8").toString("base64url");
  return `${mark}${body}.${crc32(mark + body).toString(36)}`;
}

function unseal(mark: string, what: "position" | "bookmark", token: unknown): unknown {
  if (typeof token !== "string") {
    throw new StreamError("invalid-argument", `a ${what} is a string that streamport handed out; received ${typeof token}`);
  }
  const other = what === "position" ? BOOKMARK_MARK : POSITION_MARK;
  if (token.startsWith(other)) {
    const given = what === "position" ? "bookmark" : "position";
    throw new StreamError("invalid-argument", `this is a ${given}; a ${what} is needed here`);
  }
  const dot = token.lastIndexOf(".");
  const body = token.slice(mark.length, dot);
  if (!token.startsWith(mark) || dot <= mark.length || crc32(mark + body).toString(36) !== token.slice(dot + 1)) {
    throw new StreamError(
      "invalid-argument",
      `this is not a ${what} that streamport handed out, or it was cut or changed (received ${token.length} characters); pass it back exactly as it was given`,
    );
  }
  try {
    return JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  } catch (cause) {
    throw new StreamError("invalid-argument", `this ${what} was made by another version of streamport, or not by streamport`, { cause });
  }
}

/** The public position of one message. The same parts always give the same text: it is fit for de-duplication. */
export function encodePosition(parts: PositionParts): Position {
  return positionEncoder(parts)(parts.position);
}

/**
 * Makes the positions of one partition as `encodePosition` does, in a third of the time: the common part is encoded and
 * checksummed once, and the few bytes of the driver's own position are encoded here, without a buffer for each.
 */
export function positionEncoder({
  provider,
  cluster,
  topic,
  incarnation,
  partition,
}: Omit<PositionParts, "position">): (position: string) => Position {
  const before = Buffer.from(`${JSON.stringify([provider, cluster, topic, incarnation, partition]).slice(0, -1)},`, "utf8");
  // Base64 encodes groups of three bytes: the bytes behind the last full group are encoded with what follows.
  const whole = before.length - (before.length % 3);
  const head = Buffer.from(POSITION_MARK + before.toString("base64url", 0, whole), "latin1");
  const headCheck = ~crc32(head);
  const rest = before.subarray(whole);
  // A longer position gets a larger buffer.
  let bytes = Buffer.concat([rest], 64);
  let token = Buffer.concat([head], head.length + 128);
  return (position) => {
    const mostBytes = rest.length + position.length * MOST_BYTES_OF_A_CHARACTER + 3;
    if (mostBytes > bytes.length) {
      bytes = Buffer.concat([rest], mostBytes);
      token = Buffer.concat([head], head.length + mostBytes * 2);
    }
    const length = writeLastPart(bytes, rest.length, position);
    const bodyEnd = writeBase64(token, head.length, bytes, length);
    let check = headCheck;
    for (let at = head.length; at < bodyEnd; at += 1) check = (check >>> 8) ^ CRC_TABLE[(check ^ token[at]!) & 0xff]!;
    return token.toString("latin1", 0, writeCheck(token, bodyEnd, ~check >>> 0));
  };
}

/** CRC-32 byte by byte: for so few bytes a call of zlib takes longer. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const BASE64 = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", "latin1");

/** As an escape in JSON. */
const MOST_BYTES_OF_A_CHARACTER = 6;

/** The last text of a list in JSON, and the end of the list. @returns where it ends */
function writeLastPart(bytes: Buffer, begin: number, text: string): number {
  let end = begin;
  bytes[end++] = 0x22;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    // Most positions are digits, which need no escape.
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return begin + bytes.write(`${JSON.stringify(text)}]`, begin, "utf8");
    bytes[end++] = code;
  }
  bytes[end++] = 0x22;
  bytes[end++] = 0x5d;
  return end;
}

/** Without padding. @returns where it ends */
function writeBase64(encoded: Buffer, begin: number, bytes: Buffer, length: number): number {
  let end = begin;
  for (let at = 0; at < length; at += 3) {
    // The bytes behind the length are left over from an earlier position and must not appear.
    const three = (bytes[at]! << 16) | (at + 1 < length ? bytes[at + 1]! << 8 : 0) | (at + 2 < length ? bytes[at + 2]! : 0);
    encoded[end] = BASE64[three >> 18]!;
    encoded[end + 1] = BASE64[(three >> 12) & 63]!;
    encoded[end + 2] = BASE64[(three >> 6) & 63]!;
    encoded[end + 3] = BASE64[three & 63]!;
    end += 4;
  }
  return begin + Math.ceil((length * 4) / 3);
}

/** A dot, and the number as `toString(36)` writes it; a call of `toString` takes longer than everything else here. @returns where it ends */
function writeCheck(token: Buffer, begin: number, check: number): number {
  let digits = 1;
  for (let least = 36; least <= check; least *= 36) digits += 1;
  let rest = check;
  for (let at = begin + digits; at > begin; at -= 1) {
    const before = Math.floor(rest / 36);
    const digit = rest - before * 36;
    token[at] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    rest = before;
  }
  token[begin] = 0x2e;
  return begin + 1 + digits;
}

/** @throws `invalid-argument` for anything that `encodePosition` did not make. */
export function decodePosition(token: unknown): PositionParts {
  const content = unseal(POSITION_MARK, "position", token);
  if (!Array.isArray(content) || content.length !== 6 || content.some((part) => typeof part !== "string")) {
    throw new StreamError("invalid-argument", "this position was made by another version of streamport");
  }
  const [provider, cluster, topic, incarnation, partition, position] = content as [string, string, string, string, string, string];
  return { provider, cluster, topic, incarnation, partition, position };
}

/** Makes the token of a bookmark from its content, which only `bookmark.ts` knows. */
export function sealBookmark(content: unknown): Bookmark {
  return seal(BOOKMARK_MARK, content);
}

/** @throws `invalid-argument` for anything that `sealBookmark` did not make. */
export function unsealBookmark(token: unknown): unknown {
  return unseal(BOOKMARK_MARK, "bookmark", token);
}

/** @throws `position-mismatch` when the token belongs to another provider, cluster, topic or incarnation than this one. */
export function requireSameTopic(
  what: "position" | "bookmark",
  token: TopicIdentity & { readonly provider: string },
  provider: string,
  here: TopicIdentity,
): void {
  const difference =
    token.provider !== provider
      ? `provider ${JSON.stringify(token.provider)}, not ${JSON.stringify(provider)}`
      : token.cluster !== here.cluster
        ? `another cluster than the connected one`
        : token.topic !== here.topic
          ? `topic ${JSON.stringify(token.topic)}, not ${JSON.stringify(here.topic)}`
          : token.incarnation !== here.incarnation
            ? `an earlier topic of the name ${JSON.stringify(here.topic)}, which has been deleted and created again`
            : null;
  if (difference !== null) {
    throw new StreamError("position-mismatch", `this ${what} belongs to ${difference}`, { provider });
  }
}
