import { WireReader } from "../client/wire-reader.ts";
import { WireWriter } from "../client/wire-writer.ts";

/** Kafka's own layout of the metadata of consumer group members (the version of KIP-792), so that Kafka's tools can show our groups. */
const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 1;

/** The metadata in a member's join request. */
export interface Subscription {
  readonly topic: string;
  /** As this member sees its topic. The leader may have no permission to describe another member's topic, so each member sends its own number. */
  readonly partitionCount: number;
  /** The partitions that it owns and has not released, including those that it is about to release. */
  readonly owned: readonly number[];
  /** The generation that assigned them; -1: none. */
  readonly generation: number;
}

/** The leader's assignment for a member. */
export interface MemberAssignment {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** A partition of the topic still has to be released by its owner, so the next rebalance follows soon. */
  readonly moving: boolean;
}

export function encodeSubscription({ topic, partitionCount, owned, generation }: Subscription): Buffer {
  const writer = new WireWriter().int16(SUBSCRIPTION_VERSION);
  writer.array([topic], (name) => writer.string(name));
  writer.bytes(content(new WireWriter().int32(partitionCount)));
  writer.array(owned.length === 0 ? [] : [topic], (name) => {
    writer.string(name).array(owned, (partition) => writer.int32(partition));
  });
  return content(writer.int32(generation));
}

/** @throws RangeError for bytes that `encodeSubscription` did not write */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new WireReader(bytes);
  requireVersion(reader.int16(), SUBSCRIPTION_VERSION);
  const [topic = ""] = reader.array(() => reader.string());
  const partitionCount = new WireReader(reader.bytes()).int32();
  const owned = reader.array(() => {
    reader.string();
    return reader.array(() => reader.int32());
  });
  return { topic, partitionCount, owned: owned.flat(), generation: reader.int32() };
}

/** The topics of a member of any client: they come first in all versions. `null`: unknown, as during a rebalance, or not in Kafka's layout. */
export function subscribedTopics(bytes: Buffer): readonly string[] | null {
  if (bytes.length === 0) return null;
  try {
    const reader = new WireReader(bytes);
    reader.int16();
    return reader.array(() => reader.string());
  } catch {
    return null;
  }
}

export function encodeAssignment({ topic, partitions, moving }: MemberAssignment): Buffer {
  const writer = new WireWriter().int16(ASSIGNMENT_VERSION);
  writer.array(partitions.length === 0 ? [] : [topic], (name) => {
    writer.string(name).array(partitions, (partition) => writer.int32(partition));
  });
  return content(writer.bytes(content(new WireWriter().boolean(moving))));
}

/** No partitions for no bytes: the leader had no assignment for this member. @throws RangeError for bytes that `encodeAssignment` did not write */
export function decodeAssignment(topic: string, bytes: Buffer): MemberAssignment {
  if (bytes.length === 0) return { topic, partitions: [], moving: false };
  const reader = new WireReader(bytes);
  requireVersion(reader.int16(), ASSIGNMENT_VERSION);
  const assigned = reader.array(() => {
    const name = reader.string();
    const partitions = reader.array(() => reader.int32());
    return name === topic ? partitions : [];
  });
  return { topic, partitions: assigned.flat(), moving: new WireReader(reader.bytes()).boolean() };
}

function requireVersion(version: number, known: number): void {
  if (version < known) throw new RangeError(`the metadata of a group member has version ${version}; version ${known} or newer is needed`);
}

/** The content without the length at the start of a frame. */
function content(writer: WireWriter): Buffer {
  return Buffer.concat(writer.frame().slice(1));
}
