import type { ContainerClient } from "@azure/storage-blob";
import type { Report } from "../../../src/driver/index.ts";
import { hasStatus, isCoded } from "../errors.ts";

export type Metadata = Readonly<Record<string, string>>;

export interface FoundBlob {
  readonly name: string;
  /** Another one after every write; without quotation marks. */
  readonly etag: string;
  readonly metadata: Metadata;
  /** By the service's clock. */
  readonly modifiedMs: number;
}

/** What is written: a blob with metadata and, for the group, a text. */
export interface BlobContent {
  readonly metadata: Metadata;
  readonly text?: string | undefined;
}

/** The few requests of Blob Storage that groups need: https://learn.microsoft.com/rest/api/storageservices/operations-on-blobs */
export class BlobCalls {
  readonly #open: () => Promise<ContainerClient>;
  readonly #report: Report;

  constructor(open: () => Promise<ContainerClient>, report: Report) {
    this.#open = open;
    this.#report = report;
  }

  /** @returns `null`: there is no such blob */
  async find(name: string, abortSignal: AbortSignal): Promise<FoundBlob | null> {
    const container = await this.#called("GetBlobProperties", 0);
    try {
      const { etag, metadata = {}, lastModified } = await container.getBlobClient(name).getProperties({ abortSignal });
      return { name, etag: bare(etag), metadata: withLowerNames(metadata), modifiedMs: lastModified?.getTime() ?? 0 };
    } catch (error) {
      if (isBlobMissing(error)) return null;
      throw error;
    }
  }

  /** @returns `null`: there is no such blob */
  async read(name: string, abortSignal: AbortSignal): Promise<(FoundBlob & { readonly text: string }) | null> {
    const container = await this.#called("GetBlob", 0);
    try {
      const answer = await container.getBlobClient(name).download(0, undefined, { abortSignal });
      const parts: Buffer[] = [];
      for await (const part of answer.readableStreamBody!) parts.push(Buffer.from(part as Uint8Array));
      const { etag, metadata = {}, lastModified } = answer;
      const text = Buffer.concat(parts).toString("utf8");
      return { name, etag: bare(etag), metadata: withLowerNames(metadata), modifiedMs: lastModified?.getTime() ?? 0, text };
    } catch (error) {
      if (isBlobMissing(error)) return null;
      throw error;
    }
  }

  /**
   * @param etag of the blob that is replaced; `null`: there must be none
   * @returns its new etag, or `null`: somebody else has written
   */
  async write(name: string, { metadata, text }: BlobContent, etag: string | null, abortSignal: AbortSignal): Promise<string | null> {
    const bytes = Buffer.byteLength(text ?? "") + Object.values(metadata).reduce((sum, value) => sum + value.length, 0);
    const container = await this.#called(etag === null || text !== undefined ? "PutBlob" : "SetBlobMetadata", bytes);
    const conditions = etag === null ? { ifNoneMatch: "*" } : { ifMatch: `"${etag}"` };
    try {
      if (etag !== null && text === undefined) {
        return bare((await container.getBlobClient(name).setMetadata({ ...metadata }, { conditions, abortSignal })).etag);
      }
      const content = text ?? "";
      const options = { metadata: { ...metadata }, conditions, abortSignal };
      return bare((await container.getBlockBlobClient(name).upload(content, Buffer.byteLength(content), options)).etag);
    } catch (error) {
      if (isLostRace(error) || (etag !== null && isBlobMissing(error))) return null;
      throw error;
    }
  }

  /** @returns whether it was removed; `false`: somebody else has written or removed it */
  async remove(name: string, etag: string, abortSignal: AbortSignal): Promise<boolean> {
    const container = await this.#called("DeleteBlob", 0);
    try {
      await container.getBlobClient(name).delete({ conditions: { ifMatch: `"${etag}"` }, abortSignal });
      return true;
    } catch (error) {
      if (isLostRace(error) || isBlobMissing(error)) return false;
      throw error;
    }
  }

  /** All blobs whose names begin so. In a hierarchical namespace directories are listed as well: they have no metadata of ours. */
  async list(prefix: string, abortSignal: AbortSignal): Promise<readonly FoundBlob[]> {
    const container = await this.#called("ListBlobs", 0);
    const found: FoundBlob[] = [];
    for await (const { name, metadata = {}, properties } of container.listBlobsFlat({ prefix, includeMetadata: true, abortSignal })) {
      const modifiedMs = properties.lastModified.getTime();
      found.push({ name, etag: bare(properties.etag), metadata: withLowerNames(metadata), modifiedMs });
    }
    return found;
  }

  /** One cheap request to the container. */
  async check(abortSignal: AbortSignal): Promise<void> {
    const container = await this.#called("ListBlobs", 0);
    await container.listBlobsFlat({ abortSignal }).byPage({ maxPageSize: 1 }).next();
  }

  #called(operation: string, bytes: number): Promise<ContainerClient> {
    if (this.#report.wants("call")) this.#report({ kind: "call", operation, bytes });
    return this.#open();
  }
}

/** Lists give them without quotation marks, headers with them. */
function bare(etag: string | undefined): string {
  if (etag === undefined) throw new SyntaxError("the answer has no etag");
  return etag.replaceAll('"', "");
}

function withLowerNames(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}

function isLostRace(error: unknown): boolean {
  return hasStatus(error, 409, 412);
}

/** A missing container is another error. */
function isBlobMissing(error: unknown): boolean {
  return hasStatus(error, 404) && !isCoded(error, "ContainerNotFound", "ContainerBeingDeleted");
}
