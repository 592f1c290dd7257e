import type { Connection } from "../../connection-types.ts";
import { StreamError } from "../../errors.ts";
import { encodeBookmark, identityOfBookmark } from "../../position/bookmark.ts";
import { type TopicIdentity, encodePosition } from "../../position/position.ts";
import type { From, Until } from "../../position/range-types.ts";
import type { Position } from "../../tokens.ts";
import type { GivenFrom, GivenUntil, OffsetPlace } from "../options/parse-place.ts";
import { bytesTopic } from "./with-connection.ts";
import { UsageError } from "./exit-errors.ts";

/** A start point for the library: an offset becomes the position of the message with that offset. */
export async function fromOf(
  connection: Connection,
  topic: string,
  from: GivenFrom,
  partitions: readonly string[] | undefined,
): Promise<From> {
  if (!isOffset(from)) return from;
  const partition = await partitionOf(connection, topic, from, partitions);
  return { at: await positionOf(connection, topic, partition, from.offset) };
}

/** As `fromOf`; the message with the offset is not in the range. */
export async function untilOf(
  connection: Connection,
  topic: string,
  until: GivenUntil,
  partitions: readonly string[] | undefined,
): Promise<Until> {
  if (!isOffset(until)) return until;
  const partition = await partitionOf(connection, topic, until, partitions);
  const { provider, ...identity } = await identityOf(connection, topic, partition);
  return { bookmark: encodeBookmark(provider, identity, new Map([[partition, { kind: "at", position: until.offset }]])) };
}

function isOffset(place: GivenFrom | GivenUntil): place is OffsetPlace {
  return typeof place === "object" && "offset" in place;
}

async function positionOf(connection: Connection, topic: string, partition: string, offset: string): Promise<Position> {
  return encodePosition({ ...(await identityOf(connection, topic, partition)), partition, position: offset });
}

/** @throws `UsageError` if it is not clear which partition is meant */
async function partitionOf(
  { admin }: Connection,
  topic: string,
  { offset }: OffsetPlace,
  given: readonly string[] | undefined,
): Promise<string> {
  const partitions = given ?? (await admin.describeTopic(topic)).partitions;
  const [only] = partitions;
  if (only !== undefined && partitions.length === 1) return only;
  const those = given === undefined ? `${topic} has ${partitions.length}` : `received ${partitions.length}`;
  throw new UsageError(`offset:${offset} is of one partition, which --partition names (${those})`);
}

type Identity = TopicIdentity & { readonly provider: string };

/** The identity of the log, from the bookmark of a reader that has read nothing. @throws `unsupported` if readers cannot start at a position */
async function identityOf(connection: Connection, topicName: string, partition: string): Promise<Identity> {
  const { provider, capabilities } = connection;
  if (!capabilities.startAtPosition) {
    const text = `${provider} cannot begin at a place in a partition, so that offset: cannot be used`;
    throw new StreamError("unsupported", text, { provider, capability: "startAtPosition" });
  }
  const reader = bytesTopic(connection, topicName).reader({ from: "latest", until: "now", partitions: [partition] });
  try {
    return { provider, ...identityOfBookmark(await reader.bookmark()) };
  } finally {
    await reader.close();
  }
}
