import type { BlobAccount } from "./blob-account.ts";
import type { BlobContainer, StoredBlob } from "./blob-container.ts";
import { BlobRefusal } from "./blob-refusal.ts";

/** What a request for a list asks for: https://learn.microsoft.com/rest/api/storageservices/list-blobs */
export interface ListRequest {
  readonly prefix: string;
  readonly marker: string;
  readonly maxResults: number;
  readonly hasMetadata: boolean;
}

/** @throws BlobRefusal */
export function parseListRequest({ mostListed }: BlobAccount, query: URLSearchParams): ListRequest {
  if (query.has("delimiter")) throw new BlobRefusal(501, "NotImplemented", "The emulator lists blobs without a delimiter only.");
  const asked = query.get("maxresults");
  const maxResults = asked === null ? mostListed : Number(asked);
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new BlobRefusal(
      400,
      "OutOfRangeQueryParameterValue",
      "One of the query parameters specified in the request URI is outside the permissible range.",
    );
  }
  return {
    prefix: query.get("prefix") ?? "",
    marker: query.get("marker") ?? "",
    maxResults: Math.min(maxResults, mostListed),
    hasMetadata: (query.get("include") ?? "").split(",").includes("metadata"),
  };
}

/** One page, as XML. The next marker is the name of the next entry. */
export function listPage(account: BlobAccount, container: BlobContainer, request: ListRequest, endpoint: string): string {
  const { prefix, marker, maxResults, hasMetadata } = request;
  const blobs = container.list(prefix).map((blob) => ({ name: blob.name, xml: () => blobXml(blob, hasMetadata) }));
  const directories = account.hasDirectories ? directoriesOf(container, prefix) : [];
  const entries = [...blobs, ...directories].sort((left, right) => (left.name < right.name ? -1 : 1)).filter(({ name }) => name >= marker);
  const next = entries[maxResults];
  return (
    `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="${escaped(endpoint)}" ContainerName="${container.name}">` +
    `<Prefix>${escaped(prefix)}</Prefix>${marker === "" ? "" : `<Marker>${escaped(marker)}</Marker>`}<MaxResults>${maxResults}</MaxResults>` +
    `<Blobs>${entries
      .slice(0, maxResults)
      .map(({ xml }) => xml())
      .join("")}</Blobs>` +
    `${next === undefined ? "<NextMarker />" : `<NextMarker>${escaped(next.name)}</NextMarker>`}</EnumerationResults>`
  );
}

/** With a hierarchical namespace, a list also has the directories, which have no metadata of a checkpoint. */
function directoriesOf(container: BlobContainer, prefix: string): readonly { readonly name: string; readonly xml: () => string }[] {
  const names = new Set<string>();
  for (const { name } of container.list("")) {
    const parts = name.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) names.add(parts.slice(0, depth).join("/"));
  }
  return [...names]
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({
      name,
      xml: () => {
        const properties = `<ResourceType>directory</ResourceType><Last-Modified>${new Date(container.modifiedMs).toUTCString()}</Last-Modified>`;
        return `<Blob><Name>${escaped(name)}</Name><Properties>${properties}<Etag>${container.etag}</Etag><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>`;
      },
    }));
}

function blobXml({ name, content, contentType, metadata, etag, createdMs, modifiedMs }: StoredBlob, hasMetadata: boolean): string {
  const properties =
    `<Creation-Time>${new Date(createdMs).toUTCString()}</Creation-Time><Last-Modified>${new Date(modifiedMs).toUTCString()}</Last-Modified>` +
    `<Etag>${etag}</Etag><Content-Length>${content.length}</Content-Length><Content-Type>${escaped(contentType)}</Content-Type>` +
    "<BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>";
  const fields = [...metadata].map(([field, value]) => `<${field}>${escaped(value)}</${field}>`).join("");
  return `<Blob><Name>${escaped(name)}</Name><Properties>${properties}</Properties>${hasMetadata ? `<Metadata>${fields}</Metadata>` : ""}</Blob>`;
}

/** By name: clients do not know the references by number. */
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
