import type { Fault } from "../../../src/driver/index.ts";
import type { Bucket, ObjectStore, StoredObject } from "../objects/object-store.ts";
import type { Streams } from "../streams/streams.ts";
import { RENEW_LEASE, STORE_PROGRESS } from "./fault-effect.ts";

/** The columns of a lease that are looked at here: those of `leaseColumns` in `src/leases`, as texts of a JSON object. */
type LeaseColumns = Readonly<Record<string, unknown>> & { readonly epoch: string };

/** An object that holds a lease, and what it belongs to. */
interface LeaseObject {
  readonly bucket: Bucket;
  readonly object: StoredObject;
  readonly columns: LeaseColumns;
}

/**
 * Groups by leases keep one object for each partition. To show that a partition is stolen, the objects themselves are changed, as another
 * member would change them. The conventions by which they are known are those of README.md:
 * an object belongs to a topic if a part of its name is the OCID of the stream, and it is a lease if it is a JSON object with an `epoch`.
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
    for (const part of name.split("/")) {
      const stream = part.startsWith("ocid1.stream.") ? this.#streams.find(part) : null;
      if (stream !== null) return stream.name;
    }
    return null;
  }

  /** The partition whose lease an object holds, or is about to hold. */
  partitionOf(name: string, content: Buffer | null): string | null {
    const columns = content === null ? null : columnsOf(content);
    const named = columns?.["partition"];
    return typeof named === "string" ? named : (name.split("/").at(-1) ?? null);
  }

  /** What faults count a write of an object as. */
  callOf(bucket: string, name: string, content: Buffer): string {
    const before = this.#objects.buckets.get(bucket)?.objects.get(name);
    const [was, is] = [before === undefined ? null : columnsOf(before.content), columnsOf(content)];
    if (was === null || is === null || was["owner"] === undefined) return "PutObject";
    if (was["owner"] !== is["owner"] || was.epoch !== is.epoch) return "PutObject";
    const isProgress = was["place"] !== is["place"] || was["ahead"] !== is["ahead"];
    return isProgress ? STORE_PROGRESS : RENEW_LEASE;
  }

  /** Takes a partition from its owner, or all of them, if there is one that is owned. @returns whether it has */
  applyAtOnce({ kind, topic, partition }: Fault): boolean {
    if (kind !== "steal-partition" && kind !== "lose-coordinator") return false;
    const owned = [...this.#owned(topic ?? null)].filter(
      ({ object }) => partition === undefined || this.partitionOf(object.name, object.content) === partition,
    );
    const taken = kind === "steal-partition" ? owned.slice(0, 1) : owned;
    taken.forEach(takeFromOwner);
    return taken.length > 0;
  }

  /** Takes the lease in this object from its owner. */
  steal(bucket: string, name: string): void {
    const found = this.#objects.buckets.get(bucket);
    const object = found?.objects.get(name);
    const columns = object === undefined ? null : columnsOf(object.content);
    if (found !== undefined && object !== undefined && columns !== null) takeFromOwner({ bucket: found, object, columns });
  }

  /** Takes all leases of the topic of this object from their owners. */
  loseOwners(name: string): void {
    const topic = this.topicOf(name);
    if (topic !== null) [...this.#owned(topic)].forEach(takeFromOwner);
  }

  *#owned(topic: string | null): Iterable<LeaseObject> {
    for (const bucket of this.#objects.buckets.values()) {
      for (const object of bucket.objects.values()) {
        const columns = columnsOf(object.content);
        if (columns === null || typeof columns["owner"] !== "string") continue;
        const own = this.topicOf(object.name);
        if (own !== null && (topic === null || own === topic)) yield { bucket, object, columns };
      }
    }
  }
}

/**
 * What an owner finds after another member has acquired the lease, and has released it again: the next epoch, and no owner. So nobody
 * has to wait until a lease of somebody who is not there has expired.
 */
function takeFromOwner({ bucket, object, columns }: LeaseObject): void {
  const { owner: _, ...rest } = columns;
  const content = JSON.stringify({ ...rest, epoch: String(BigInt(columns.epoch) + 1n) });
  bucket.put(object.name, Buffer.from(content), object.contentType, { ifMatch: null, ifNoneMatch: null });
}

function columnsOf(content: Buffer): LeaseColumns | null {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    if (typeof value !== "object" || value === null) return null;
    const { epoch } = value as { readonly epoch?: unknown };
    return typeof epoch === "string" && /^\d+$/.test(epoch) ? (value as LeaseColumns) : null;
  } catch {
    return null;
  }
}
