import { BlobRefusal } from "./blob-refusal.ts";

export interface StoredBlob {
  readonly name: string;
  readonly content: Buffer;
  readonly contentType: string;
  /** By lower-case name. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Another one after every write; without quotation marks. */
  readonly etag: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** The conditional headers of a request: https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations */
export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export const NO_CONDITIONS: Conditions = { ifMatch: undefined, ifNoneMatch: undefined };

/** The blobs of one container, in the order of their names. */
export class BlobContainer {
  readonly name: string;
  readonly modifiedMs: number;
  readonly etag: string;
  readonly #nextEtag: () => string;
  readonly #blobs = new Map<string, StoredBlob>();

  constructor(name: string, nextEtag: () => string, nowMs: number) {
    this.name = name;
    this.#nextEtag = nextEtag;
    this.etag = nextEtag();
    this.modifiedMs = nowMs;
  }

  find(name: string): StoredBlob | undefined {
    return this.#blobs.get(name);
  }

  /** @throws BlobRefusal */
  get(name: string, conditions: Conditions): StoredBlob {
    const blob = this.#existing(name);
    if (conditions.ifNoneMatch !== undefined && isNamed(conditions.ifNoneMatch, blob)) {
      throw new BlobRefusal(304, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
    }
    if (conditions.ifMatch !== undefined && !isNamed(conditions.ifMatch, blob)) throw notMet();
    return blob;
  }

  /** Makes or replaces a blob. @throws BlobRefusal */
  put(name: string, parts: Pick<StoredBlob, "content" | "contentType" | "metadata">, conditions: Conditions, nowMs: number): StoredBlob {
    const before = this.#blobs.get(name);
    if (before !== undefined && conditions.ifNoneMatch === "*") {
      throw new BlobRefusal(409, "BlobAlreadyExists", "The specified blob already exists.");
    }
    requireMet(before, conditions);
    const blob = { ...parts, name, etag: this.#nextEtag(), createdMs: before?.createdMs ?? nowMs, modifiedMs: nowMs };
    this.#blobs.set(name, blob);
    return blob;
  }

  /** Replaces all metadata of a blob. @throws BlobRefusal */
  setMetadata(name: string, metadata: ReadonlyMap<string, string>, conditions: Conditions, nowMs: number): StoredBlob {
    const before = this.#existing(name);
    requireMet(before, conditions);
    const blob = { ...before, metadata, etag: this.#nextEtag(), modifiedMs: nowMs };
    this.#blobs.set(name, blob);
    return blob;
  }

  /** @throws BlobRefusal */
  delete(name: string, conditions: Conditions): void {
    requireMet(this.#existing(name), conditions);
    this.#blobs.delete(name);
  }

  /** All whose names begin so, by name. */
  list(prefix: string): readonly StoredBlob[] {
    const found = [...this.#blobs.values()].filter(({ name }) => name.startsWith(prefix));
    return found.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  #existing(name: string): StoredBlob {
    const blob = this.#blobs.get(name);
    if (blob === undefined) throw new BlobRefusal(404, "BlobNotFound", "The specified blob does not exist.");
    return blob;
  }
}

/** Of a write. */
function requireMet(blob: StoredBlob | undefined, { ifMatch, ifNoneMatch }: Conditions): void {
  if (ifMatch !== undefined && (blob === undefined || !isNamed(ifMatch, blob))) throw notMet();
  if (ifNoneMatch !== undefined && blob !== undefined && isNamed(ifNoneMatch, blob)) throw notMet();
}

function isNamed(condition: string, { etag }: StoredBlob): boolean {
  return condition.split(",").some((part) => part.trim() === "*" || part.trim().replaceAll('"', "") === etag);
}

function notMet(): BlobRefusal {
  return new BlobRefusal(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
}
