import {
  type GroupRow,
  type Held,
  type LeaseRow,
  type LeaseStore,
  type Version,
  groupColumns,
  groupRowOf,
} from "../../../src/leases/index.ts";
import type { PartitionPlace } from "../../../src/driver/index.ts";
import { eventHubsError } from "../errors.ts";
import type { BlobCalls, FoundBlob, Metadata } from "./blob-calls.ts";
import { checkpointMetadata, isFreed, isProgress, onlyOffsetOf, ownershipMetadata, rowOf } from "./lease-blobs.ts";

/** Metadata of a blob, which has some hundred bytes besides, may have 8 KiB: https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources */
const AHEAD_BYTES = 6_656;

export interface BlobLeaseStoreParts {
  readonly blobs: BlobCalls;
  /** Of the names of its blobs, with a slash at its end. */
  readonly prefix: string;
  readonly group: string;
  /** Where the event of an offset is, for checkpoints of other clients that have nothing else. */
  readonly placeOfOffset: (partition: string, offset: string, signal: AbortSignal) => Promise<PartitionPlace>;
}

/**
 * The leases of one group in the layout of the processors of all SDKs: `<namespace>/<hub>/<group>/ownership/<partition>` says who owns a partition, and
 * `…/checkpoint/<partition>` how far the group is. Each is written under the condition that nobody else has written it. An acquisition writes both, the ownership
 * first; a settlement writes the checkpoint first: so the condition of a former owner fails. The group itself is in `…/streamport/group`.
 */
export class BlobLeaseStore implements LeaseStore {
  readonly aheadBytes = AHEAD_BYTES;
  readonly #blobs: BlobCalls;
  readonly #prefix: string;
  readonly #group: string;
  readonly #placeOfOffset: BlobLeaseStoreParts["placeOfOffset"];
  /** How many resets the group has seen, as it was read last; `null`: it does not exist. */
  #moves: bigint | null = null;
  /** Partitions whose checkpoint was not written by the acquisition, because a request has failed. */
  readonly #owed = new Set<string>();
  /** Rows as this store has written them last for an owner, and the checkpoint beside them. */
  readonly #left = new Map<string, { readonly row: LeaseRow; readonly checkpoint: string | null }>();
  /** Places that were looked for, by partition, each with the version of its checkpoint. */
  readonly #found = new Map<string, { readonly etag: string; readonly place: PartitionPlace }>();

  constructor({ blobs, prefix, group, placeOfOffset }: BlobLeaseStoreParts) {
    this.#blobs = blobs;
    this.#prefix = prefix;
    this.#group = group;
    this.#placeOfOffset = placeOfOffset;
  }

  get #groupName(): string {
    return `${this.#prefix}streamport/group`;
  }

  #nameOf(kind: "ownership" | "checkpoint", partition: string): string {
    return `${this.#prefix}${kind}/${partition}`;
  }

  async readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const found = await this.#blobs.read(this.#groupName, signal);
    const row = found === null ? null : groupRowOf(JSON.parse(found.text) as Metadata);
    this.#moves = row?.moves ?? null;
    return row === null ? null : { row, version: found!.etag };
  }

  async writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    const content = { metadata: { group: this.#group }, text: JSON.stringify(groupColumns(next)) };
    const version = await this.#blobs.write(this.#groupName, content, before?.version ?? null, signal);
    if (version !== null) this.#moves = next.moves;
    return version;
  }

  async list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    // One list for both, which costs half: where one of them is older than the other, they belong to a version that is refused anyway.
    const blobs = await this.#blobs.list(this.#prefix, signal);
    const ownerships = byPartition(blobs, this.#nameOf("ownership", ""));
    const checkpoints = byPartition(blobs, this.#nameOf("checkpoint", ""));
    const partitions = new Set([...ownerships.keys(), ...checkpoints.keys()]);
    const held = await Promise.all(
      [...partitions].map((partition) =>
        this.#held(partition, ownerships.get(partition) ?? null, checkpoints.get(partition) ?? null, signal),
      ),
    );
    return held.filter((one) => one !== null);
  }

  async read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    const ownership = await this.#blobs.find(this.#nameOf("ownership", partition), signal);
    const checkpoint = await this.#blobs.find(this.#nameOf("checkpoint", partition), signal);
    return this.#held(partition, ownership, checkpoint, signal);
  }

  async #held(
    partition: string,
    ownership: FoundBlob | null,
    checkpoint: FoundBlob | null,
    signal: AbortSignal,
  ): Promise<Held<LeaseRow> | null> {
    const place = await this.#placeByOffset(partition, checkpoint, signal);
    const found = rowOf(partition, ownership, checkpoint, this.#moves, place);
    if (found === null) return null;
    const left = this.#left.get(partition);
    // Freed by another client, which has settled nothing: all the rest is as it was left.
    const isLeft = left !== undefined && isFreed(ownership) && left.checkpoint === (checkpoint?.etag ?? null);
    const row = isLeft ? { ...left.row, owner: null, wantedBy: null } : found;
    return { row, version: versionOf(ownership?.etag ?? null, checkpoint?.etag ?? null) };
  }

  /** `null`: the checkpoint says it otherwise. */
  async #placeByOffset(partition: string, checkpoint: FoundBlob | null, signal: AbortSignal): Promise<PartitionPlace | null> {
    const offset = onlyOffsetOf(checkpoint);
    if (offset === null) return null;
    const { etag } = checkpoint!;
    const known = this.#found.get(partition);
    if (known?.etag === etag) return known.place;
    const place = await this.#placeOfOffset(partition, offset, signal);
    this.#found.set(partition, { etag, place });
    return place;
  }

  async create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const etag = await this.#writeOwnership(row, null, signal);
    return etag === null ? null : versionOf(etag, null);
  }

  async swap({ row, version }: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const written = await this.#swap(row, etagsOf(version), next, signal);
    if (written !== null && next.owner !== null) this.#left.set(next.partition, { row: next, checkpoint: etagsOf(written)[1] });
    return written;
  }

  async #swap(row: LeaseRow, etags: Etags, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    if (row.epoch !== next.epoch) return this.#acquire(etags, next, signal);
    let [, checkpoint] = etags;
    const isSettled = isProgress(row, next) || this.#owed.has(next.partition);
    if (isSettled) {
      checkpoint = await this.#writeCheckpoint(next, checkpoint, signal);
      if (checkpoint === null) return null;
    }
    const ownership = await this.#writeOwnership(next, etags[0], signal);
    if (ownership !== null) return versionOf(ownership, checkpoint);
    if (!isSettled) return null;
    throw eventHubsError("unavailable", "the checkpoint is written, and the ownership was changed by another client at the same time");
  }

  /** The ownership decides who gets the partition. Then the checkpoint is written as it is, so that no former owner can write it. */
  async #acquire([ownership, checkpoint]: Etags, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const etag = await this.#writeOwnership(next, ownership, signal);
    if (etag === null) return null;
    this.#owed.add(next.partition);
    const written = await this.#writeCheckpoint(next, checkpoint, signal);
    if (written !== null) return versionOf(etag, written);
    throw eventHubsError("unavailable", "a former owner has written the checkpoint at the same time");
  }

  #writeOwnership(row: LeaseRow, known: string | null, signal: AbortSignal): Promise<string | null> {
    return this.#blobs.write(this.#nameOf("ownership", row.partition), { metadata: ownershipMetadata(row) }, known, signal);
  }

  async #writeCheckpoint(row: LeaseRow, known: string | null, signal: AbortSignal): Promise<string | null> {
    const etag = await this.#blobs.write(this.#nameOf("checkpoint", row.partition), { metadata: checkpointMetadata(row) }, known, signal);
    if (etag !== null) this.#owed.delete(row.partition);
    return etag;
  }

  async remove({ row: { partition }, version }: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    const [ownership, checkpoint] = etagsOf(version);
    if (ownership !== null && !(await this.#blobs.remove(this.#nameOf("ownership", partition), ownership, signal))) return false;
    if (checkpoint !== null) await this.#blobs.remove(this.#nameOf("checkpoint", partition), checkpoint, signal);
    return true;
  }

  async removeGroup({ version }: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    const isRemoved = await this.#blobs.remove(this.#groupName, version, signal);
    if (isRemoved) this.#moves = null;
    return isRemoved;
  }
}

function byPartition(blobs: readonly FoundBlob[], prefix: string): ReadonlyMap<string, FoundBlob> {
  return new Map(blobs.filter(({ name }) => name.startsWith(prefix)).map((blob) => [blob.name.slice(prefix.length), blob]));
}

/** Of both blobs; `-`: there is none. */
function versionOf(ownership: string | null, checkpoint: string | null): Version {
  return `${ownership ?? "-"} ${checkpoint ?? "-"}`;
}

type Etags = readonly [ownership: string | null, checkpoint: string | null];

function etagsOf(version: Version): Etags {
  const [ownership = "-", checkpoint = "-"] = version.split(" ");
  return [ownership === "-" ? null : ownership, checkpoint === "-" ? null : checkpoint];
}
