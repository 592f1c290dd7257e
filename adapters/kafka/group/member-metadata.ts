import { WireReader } from "../client/wire-reader.ts";
import { WireWriter } from "../client/wire-writer.ts";

/** Kafka's own layout for what members of a consumer group say, so that its tools can show our groups (KIP-792's version). */
const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 1;

/** What a member says of itself when it joins. */
export interface Subscription {
  readonly topic: string;
  /** As it knows the topic. The leader may have no right to look at another member's topic, so that each tells of its own. */
  readonly partitionCount: number;
  /** What it owns and has not given back, also what it is about to give back. */
  readonly owned: readonly number[];
  /** In which it got them; -1: none. */
  readonly generation: number;
}

/** What the leader has for a member. */
export interface MemberAssignment {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Something still has to be given back by its owner: the next rebalance follows soon. */
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

/** @throws RangeError for what `encodeSubscription` did not make */
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

/** The topics of a member of any client: in all versions they come first. `null`: not told, as while a group rebalances, or not in Kafka's layout. */
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

/** Nothing at all where the leader had nothing for this member. @throws RangeError for what `encodeAssignment` did not make */
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
  if (version < known) throw new RangeError(`what a member of the group says has version ${version}; ${known} or newer is needed`);
}

/** Without the length that a frame begins with. */
function content(writer: WireWriter): Buffer {
  return Buffer.concat(writer.frame().slice(1));
}
