import { crc32 } from "node:zlib";
import { StreamError } from "./errors.ts";

/** Names one stored message. Opaque and JSON-safe. Refused with `position-mismatch` by another provider, topic or re-created topic. */
export type Position = string;
/** Names a place in every partition of a topic. Opaque and JSON-safe. Refused like a position. */
export type Bookmark = string;

/**
 * Which log a topic really is. Two topics are the same log exactly when all three are equal. `incarnation` changes when a
 * topic is deleted and created again; it is the empty string where the provider does not let us tell (`recreationDetected`).
 */
export interface TopicIdentity {
  /** The cluster, account and region, namespace, project or stream pool. Never a credential. */
  readonly cluster: string;
  /** The provider's own name of the topic. */
  readonly topic: string;
  readonly incarnation: string;
}

/** A position taken apart: where it belongs, and the driver's own word for the place. */
export interface PositionParts extends TopicIdentity {
  readonly provider: string;
  readonly partition: string;
  /** The driver's own position within the partition. */
  readonly position: string;
}

const POSITION_MARK = "p1.";
const BOOKMARK_MARK = "b1.";

/** A token is a mark, the content, and a check over both: what was cut or altered is recognised before any of it is believed. */
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
  return seal(POSITION_MARK, [parts.provider, parts.cluster, parts.topic, parts.incarnation, parts.partition, parts.position]);
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

/** Content in, token out; what stands in a bookmark is the business of `replay/bookmark.ts`. */
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
