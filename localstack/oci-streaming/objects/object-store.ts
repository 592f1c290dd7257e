import { createHash, randomUUID } from "node:crypto";
import type { ServiceClock } from "../service-clock.ts";
import { ServiceError } from "../server/service-error.ts";

export interface StoredObject {
  readonly name: string;
  readonly content: Buffer;
  readonly contentType: string;
  /** Another one after each write, also of the same bytes. The real ones are UUIDs too. */
  readonly etag: string;
  /** In base64. */
  readonly md5: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** The conditions of a write. */
export interface WriteConditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

export class Bucket {
  readonly name: string;
  readonly createdMs: number;
  readonly etag: string = randomUUID();
  readonly objects = new Map<string, StoredObject>();
  readonly #clock: ServiceClock;

  constructor(name: string, clock: ServiceClock) {
    this.name = name;
    this.#clock = clock;
    this.createdMs = clock.nowMs;
  }

  /** @throws `ServiceError` 404 */
  object(name: string): StoredObject {
    const found = this.objects.get(name);
    if (found === undefined) {
      throw new ServiceError(404, "ObjectNotFound", `The object '${name}' does not exist in bucket '${this.name}'`);
    }
    return found;
  }

  /** @throws `ServiceError` 412 */
  put(name: string, content: Buffer, contentType: string, conditions: WriteConditions): StoredObject {
    const before = this.objects.get(name);
    checkConditions(conditions, before);
    const nowMs = this.#clock.nowMs;
    const md5 = createHash("md5").update(content).digest("base64");
    const stored = { name, content, contentType, etag: randomUUID(), md5, createdMs: before?.createdMs ?? nowMs, modifiedMs: nowMs };
    this.objects.set(name, stored);
    return stored;
  }

  /** @throws `ServiceError` 404, 412 */
  delete(name: string, conditions: WriteConditions): void {
    const before = this.object(name);
    checkConditions(conditions, before);
    this.objects.delete(name);
  }
}

/** `If-None-Match` takes only `*`. @throws `ServiceError` 400, 412 */
function checkConditions({ ifMatch, ifNoneMatch }: WriteConditions, before: StoredObject | undefined): void {
  if (ifNoneMatch !== null && ifNoneMatch !== "*") {
    throw new ServiceError(400, "InvalidConditionalHeaders", "The If-None-Match header allows only '*'");
  }
  if (ifNoneMatch !== null && before !== undefined) {
    throw new ServiceError(412, "IfNoneMatchFailed", "The If-None-Match header is '*' and there is an existing entity");
  }
  if (ifMatch !== null && !matches(ifMatch, before)) {
    throw new ServiceError(412, "IfMatchFailed", "The If-Match header does not match the ETag of the existing entity");
  }
}

export function matches(etags: string, { etag }: { readonly etag?: string } = {}): boolean {
  if (etag === undefined) return false;
  const named = etags.split(",").map((one) => one.trim().replace(/^"(.*)"$/, "$1"));
  return named.includes("*") || named.includes(etag);
}

/** The buckets of a namespace. Reads and lists see every write that was answered: Oracle documents strong consistency. */
export class ObjectStore {
  readonly namespace: string;
  readonly buckets = new Map<string, Bucket>();
  readonly #clock: ServiceClock;

  constructor(namespace: string, clock: ServiceClock) {
    this.namespace = namespace;
    this.#clock = clock;
  }

  /** @throws `ServiceError` 409 */
  createBucket(name: string): Bucket {
    if (this.buckets.has(name)) {
      throw new ServiceError(
        409,
        "BucketAlreadyExists",
        `Either the bucket '${name}' in namespace '${this.namespace}' already exists or you are not authorized to create it`,
      );
    }
    const bucket = new Bucket(name, this.#clock);
    this.buckets.set(name, bucket);
    return bucket;
  }

  /** @throws `ServiceError` 404 */
  bucket(namespace: string, name: string): Bucket {
    const bucket = namespace === this.namespace ? this.buckets.get(name) : undefined;
    if (bucket === undefined) throw bucketNotFound(namespace, name);
    return bucket;
  }
}

/** Like everywhere in this cloud, a missing permission looks the same. */
export function bucketNotFound(namespace: string, name: string): ServiceError {
  const text = `Either the bucket named '${name}' does not exist in the namespace '${namespace}' or you are not authorized to access it`;
  return new ServiceError(404, "BucketNotFound", text);
}
