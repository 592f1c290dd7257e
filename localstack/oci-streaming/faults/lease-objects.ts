import type { Fault } from "../../../src/driver/index.ts";
import type { Bucket, ObjectStore, StoredObject } from "../objects/object-store.ts";
import type { Streams } from "../streams/streams.ts";
import { RENEW_LEASE, STORE_PROGRESS } from "./fault-effect.ts";

/** The columns that are looked at here are those of `leaseColumns` and `groupColumns` in `src/leases`, as texts of a JSON object. */
type Columns = Readonly<Record<string, unknown>>;
type LeaseColumns = Columns & { readonly epoch: string; readonly beat: string };

/** An object that holds a lease, and what it belongs to. */
interface LeaseObject {
  readonly bucket: Bucket;
  readonly object: StoredObject;
  readonly columns: LeaseColumns;
}

/**
 * Groups by leases keep one object for each partition. To show that a partition is stolen, the objects themselves are changed, as another
 * member would change them. The conventions by which they are known are those of README.md:
 * an object belongs to a topic if a part of its name is the OCID of the stream, or that of the stream's pool, followed by its name; it is a lease if it is a JSON object with `epoch` and `beat`,
 * and the row of a group if it has `attention`.
 */
export class LeaseObjects {
  readonly #objects: ObjectStore;
  readonly #streams: Streams;

  constructor(objects: ObjectStore, streams: Streams) {
    this.#objects = objects;
    this.#streams = streams;
  }

  /** The topic whose group has an object of this name, or objects with this prefix. */
  topicOf(name: string): string | null {
    const parts = name.split("/");
    for (const [index, part] of parts.entries()) {
      const stream = part.startsWith("ocid1.stream.") ? this.#streams.find(part) : null;
      if (stream !== null) return stream.name;
      const next = parts[index + 1];
      if (next !== undefined && part.startsWith("ocid1.streampool.") && this.#streams.hasNamed(part, next)) return next;
    }
    return null;
  }

  /** The partition whose lease an object holds, or is about to hold. */
  partitionOf(name: string, content: Buffer | null): string | null {
    const named = content === null ? null : jsonOf(content)?.["partition"];
    return typeof named === "string" ? named : (name.split("/").at(-1) ?? null);
  }

  /** What faults count a write of an object as. */
  callOf(bucket: string, name: string, content: Buffer): string {
    const before = this.#objects.buckets.get(bucket)?.objects.get(name);
    const [was, is] = [before === undefined ? null : columnsOf(before.content), columnsOf(content)];
    if (was === null || is === null || was["owner"] === undefined) return "PutObject";
    if (was["owner"] !== is["owner"] || was.epoch !== is.epoch) return "PutObject";
    // A reset moves the place too, and is not the owner's.
    if (was["moved"] !== is["moved"]) return "PutObject";
    const isProgress = was["place"] !== is["place"] || was["ahead"] !== is["ahead"];
    return isProgress ? STORE_PROGRESS : RENEW_LEASE;
  }

  /** Takes a partition from its owner, or all of them, if there is one that is owned. @returns whether it has */
  applyAtOnce({ kind, topic, partition }: Fault): boolean {
    if (kind === "lose-coordinator") return this.#dissolve(topic ?? null);
    if (kind !== "steal-partition") return false;
    for (const lease of this.#owned(topic ?? null)) {
      if (partition !== undefined && this.partitionOf(lease.object.name, lease.object.content) !== partition) continue;
      this.#steal(lease);
      return true;
    }
    return false;
  }

  /** Takes the lease in this object from its owner. */
  steal(bucketName: string, name: string): void {
    const bucket = this.#objects.buckets.get(bucketName);
    const object = bucket?.objects.get(name);
    const columns = object === undefined ? null : columnsOf(object.content);
    if (bucket !== undefined && object !== undefined && columns !== null) this.#steal({ bucket, object, columns });
  }

  /** Takes all leases of the topic of this object from their owners. */
  loseOwners(name: string): void {
    const topic = this.topicOf(name);
    if (topic !== null) this.#dissolve(topic);
  }

  /**
   * What an owner finds after another member has acquired the lease, and has released it again: the next epoch, a sign of life that is not
   * its own, and no owner. So nobody has to wait until a lease of somebody who is not there has expired.
   */
  #steal({ bucket, object, columns }: LeaseObject): void {
    const { owner: _owner, wantedBy: _wish, ...rest } = columns;
    rewrite(bucket, object, { ...rest, epoch: raised(columns.epoch), beat: raised(columns.beat) });
    this.#raiseAttention(this.topicOf(object.name));
  }

  #dissolve(topic: string | null): boolean {
    const owned = [...this.#owned(topic)];
    for (const { bucket, object, columns } of owned) {
      const { owner: _owner, wantedBy: _wish, ...rest } = columns;
      rewrite(bucket, object, rest);
    }
    for (const name of new Set(owned.map(({ object }) => this.topicOf(object.name)))) this.#raiseAttention(name);
    return owned.length > 0;
  }

  /** As whoever joins or leaves does, so that the members of the topic's groups look at the leases. */
  #raiseAttention(topic: string | null): void {
    for (const { bucket, object } of this.#objectsOf(topic)) {
      const columns = jsonOf(object.content);
      const attention = columns?.["attention"];
      if (columns !== null && typeof attention === "string") rewrite(bucket, object, { ...columns, attention: raised(attention) });
    }
  }

  *#owned(topic: string | null): Iterable<LeaseObject> {
    for (const { bucket, object } of this.#objectsOf(topic)) {
      const columns = columnsOf(object.content);
      if (columns !== null && typeof columns["owner"] === "string") yield { bucket, object, columns };
    }
  }

  /** @param topic `null`: of all topics */
  *#objectsOf(topic: string | null): Iterable<{ readonly bucket: Bucket; readonly object: StoredObject }> {
    for (const bucket of this.#objects.buckets.values()) {
      for (const object of [...bucket.objects.values()]) {
        const own = this.topicOf(object.name);
        if (own !== null && (topic === null || own === topic)) yield { bucket, object };
      }
    }
  }
}

function rewrite(bucket: Bucket, { name, contentType }: StoredObject, columns: Columns): void {
  bucket.put(name, Buffer.from(JSON.stringify(columns)), contentType, { ifMatch: null, ifNoneMatch: null });
}

function raised(column: string): string {
  return String(BigInt(column) + 1n);
}

function columnsOf(content: Buffer): LeaseColumns | null {
  const columns = jsonOf(content);
  const isNumber = (name: string): boolean => typeof columns?.[name] === "string" && /^\d+$/.test(columns[name]);
  return isNumber("epoch") && isNumber("beat") ? (columns as LeaseColumns) : null;
}

function jsonOf(content: Buffer): Columns | null {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Columns) : null;
  } catch {
    return null;
  }
}
