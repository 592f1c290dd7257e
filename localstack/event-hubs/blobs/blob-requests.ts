import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { BlobAccount } from "./blob-account.ts";
import type { BlobContainer, Conditions, StoredBlob } from "./blob-container.ts";
import { listPage, parseListRequest } from "./blob-list.ts";
import { BlobRefusal } from "./blob-refusal.ts";

/** A request to the blob service. */
export interface BlobRequest {
  readonly method: string;
  readonly container: string;
  /** Empty: it is about the container. */
  readonly blob: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly metadata: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** For the answer. */
  readonly endpoint: string;
}

export interface BlobResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

const METADATA_PREFIX = "x-ms-meta-";
/** Names of metadata are C# identifiers: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
const VALID_FIELD = /^[a-z_][a-z0-9_]*$/i;
const EMPTY = Buffer.alloc(0);

/** @throws BlobRefusal */
export function metadataOf(headers: IncomingMessage["headers"]): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(METADATA_PREFIX)) continue;
    const field = name.slice(METADATA_PREFIX.length);
    if (!VALID_FIELD.test(field))
      throw new BlobRefusal(400, "InvalidMetadata", "The specified metadata is invalid. It has characters that are not permitted.");
    metadata.set(field, String(value).trim());
  }
  return metadata;
}

/** Carries out a request. @throws BlobRefusal */
export function answerBlobRequest(account: BlobAccount, request: BlobRequest, nowMs: number): BlobResponse {
  const { container: name, blob, query } = request;
  if (blob === "") {
    if (query.get("restype") !== "container") throw notServed(request);
    return answerContainerRequest(account, request, nowMs);
  }
  const answer = answerOfBlob(account.container(name), request, nowMs);
  if (answer === null) throw notServed(request);
  return answer;
}

function answerContainerRequest(account: BlobAccount, request: BlobRequest, nowMs: number): BlobResponse {
  const { method, container: name, query, endpoint } = request;
  const comp = query.get("comp");
  if (comp === "list" && method === "GET") {
    const page = listPage(account, account.container(name), parseListRequest(account, query), endpoint);
    return { status: 200, headers: { "content-type": "application/xml" }, body: Buffer.from(page, "utf8") };
  }
  if (comp !== null) throw notServed(request);
  if (method === "PUT") return { status: 201, headers: versionOf(account.createContainer(name, nowMs)), body: EMPTY };
  if (method === "GET" || method === "HEAD") return { status: 200, headers: versionOf(account.container(name)), body: EMPTY };
  if (method !== "DELETE") throw notServed(request);
  account.deleteContainer(name);
  return { status: 202, headers: {}, body: EMPTY };
}

function answerOfBlob(container: BlobContainer, request: BlobRequest, nowMs: number): BlobResponse | null {
  const { method, blob: name, query, headers, metadata, body } = request;
  const comp = query.get("comp");
  const conditions: Conditions = { ifMatch: headers["if-match"], ifNoneMatch: headers["if-none-match"] };
  if (method === "PUT" && comp === null && headers["x-ms-blob-type"] === "BlockBlob") {
    const contentType = String(headers["x-ms-blob-content-type"] ?? headers["content-type"] ?? "application/octet-stream");
    return {
      status: 201,
      headers: versionOf(container.put(name, { content: body, contentType, metadata }, conditions, nowMs)),
      body: EMPTY,
    };
  }
  if (method === "PUT" && comp === "metadata") {
    return { status: 200, headers: versionOf(container.setMetadata(name, metadata, conditions, nowMs)), body: EMPTY };
  }
  if ((method === "GET" || method === "HEAD") && (comp === null || comp === "metadata")) {
    const blob = container.get(name, conditions);
    const isWhole = method === "GET" && comp === null;
    return { status: 200, headers: headersOf(blob), body: isWhole ? blob.content : EMPTY };
  }
  if (method !== "DELETE" || comp !== null) return null;
  container.delete(name, conditions);
  return { status: 202, headers: {}, body: EMPTY };
}

function headersOf(blob: StoredBlob): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ...versionOf(blob),
    "content-type": blob.contentType,
    "content-length": blob.content.length,
    "x-ms-blob-type": "BlockBlob",
    "x-ms-creation-time": new Date(blob.createdMs).toUTCString(),
  };
  for (const [field, value] of blob.metadata) headers[`${METADATA_PREFIX}${field}`] = value;
  return headers;
}

function versionOf({ etag, modifiedMs }: { readonly etag: string; readonly modifiedMs: number }): OutgoingHttpHeaders {
  return { etag: `"${etag}"`, "last-modified": new Date(modifiedMs).toUTCString() };
}

function notServed({ method, query }: BlobRequest): BlobRefusal {
  const what = `${method} ${[...query.keys()].join(", ")}`;
  return new BlobRefusal(501, "NotImplemented", `The emulator serves what stores of checkpoints need; this is not part of it: ${what}`);
}
