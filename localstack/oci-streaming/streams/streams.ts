import { createOcid } from "../ocid.ts";
import type { ServiceClock } from "../service-clock.ts";
import type { StreamingSettings } from "../settings.ts";
import { ServiceError, invalidParameter, notAuthorizedOrNotFound } from "../server/service-error.ts";
import { Stream, type StreamDetails } from "./stream.ts";

export interface StreamPool {
  readonly id: string;
  readonly name: string;
  readonly compartmentId: string;
  readonly timeCreatedMs: number;
}

/** What a stream is created from. */
export interface NewStream extends Pick<StreamDetails, "name" | "partitions" | "retentionInHours" | "freeformTags"> {
  readonly streamPoolId: string;
  /** Whether it is ACTIVE at once. */
  readonly isActive: boolean;
}

/** Of one stream. What a tenancy has is far below. */
const MOST_PARTITIONS = 10_000;
const NAME = /^[A-Za-z0-9._-]{1,255}$/;

/** The stream pools and streams of a tenancy. Deleted streams stay. */
export class Streams {
  readonly pools = new Map<string, StreamPool>();
  readonly defaultPool: StreamPool;
  readonly #all = new Map<string, Stream>();
  /** By the pool and the name: a pool never forgets a stream. */
  readonly #named = new Map<string, Stream[]>();
  readonly #clock: ServiceClock;
  readonly #settings: StreamingSettings;

  constructor(clock: ServiceClock, settings: StreamingSettings, compartmentId: string) {
    this.#clock = clock;
    this.#settings = settings;
    this.defaultPool = this.createPool("DefaultPool", compartmentId);
  }

  get all(): readonly Stream[] {
    return [...this.#all.values()];
  }

  createPool(name: string, compartmentId: string): StreamPool {
    const pool = { id: createOcid("streampool"), name, compartmentId, timeCreatedMs: this.#clock.nowMs };
    this.pools.set(pool.id, pool);
    return pool;
  }

  /** @throws `ServiceError` 404 */
  pool(id: string): StreamPool {
    const pool = this.pools.get(id);
    if (pool === undefined) throw notAuthorizedOrNotFound(`Unknown stream pool ${id}`);
    return pool;
  }

  /** Is there a stream of this name in the pool, or was there one? */
  hasNamed(streamPoolId: string, name: string): boolean {
    return this.#named.has(`${streamPoolId}/${name}`);
  }

  /** Also a deleted one. */
  find(id: string): Stream | null {
    return this.#all.get(id) ?? null;
  }

  /** The one that exists. */
  named(name: string): Stream | null {
    return this.all.findLast((stream) => stream.name === name && stream.exists) ?? null;
  }

  /** @throws `ServiceError` */
  create({ name, partitions, retentionInHours, freeformTags, streamPoolId, isActive }: NewStream): Stream {
    const { compartmentId } = this.pool(streamPoolId);
    if (!NAME.test(name)) throw invalidParameter("name must have 1 to 255 letters, digits, dots, hyphens and underscores");
    if (!(partitions >= 1)) throw invalidParameter("partitions must be at least 1");
    if (!(retentionInHours >= 24 && retentionInHours <= 168)) throw invalidParameter("retentionInHours must be from 24 to 168");
    const named = this.#named.get(`${streamPoolId}/${name}`) ?? [];
    const isTaken = named.some(({ exists }) => exists);
    if (isTaken && this.#settings.uniqueNames) {
      throw new ServiceError(409, "Conflict", `A stream with the name ${name} exists in the stream pool ${streamPoolId}`);
    }
    const used = this.all.reduce((sum, stream) => sum + (stream.exists ? stream.partitions.length : 0), 0);
    if (used + partitions > this.#settings.partitionLimit || partitions > MOST_PARTITIONS) {
      throw new ServiceError(400, "LimitExceeded", "You exceed the number of allowed partitions");
    }
    const details = { name, partitions, retentionInHours, streamPoolId, compartmentId, freeformTags };
    const stream = new Stream(details, this.#clock, this.#settings, isActive);
    this.#all.set(stream.id, stream);
    this.#named.set(`${streamPoolId}/${name}`, [...named, stream]);
    return stream;
  }

  /** For calls about messages. @throws `ServiceError` 404, or 409 while it cannot be used */
  usable(id: string): Stream {
    const stream = this.find(id);
    if (stream === null || !stream.exists) throw notAuthorizedOrNotFound(`Unknown stream ${id}`);
    if (stream.state === "CREATING") throw new ServiceError(409, "IncorrectState", `The stream ${id} is not active yet`);
    return stream;
  }
}
