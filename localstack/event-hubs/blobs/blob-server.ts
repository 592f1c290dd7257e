import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Duplex } from "node:stream";
import type { CallFaults } from "../faults/call-faults.ts";
import type { CallName } from "../faults/event-hubs-faults.ts";
import type { CallTopics, Namespace } from "../namespace.ts";
import { BlobRefusal } from "./blob-refusal.ts";
import { type BlobRequest, type BlobResponse, answerBlobRequest, metadataOf } from "./blob-requests.ts";
import { groupBlobOf, writeCall } from "./checkpoint-blobs.ts";
import { authorize } from "./shared-key.ts";

const API_VERSION = "2025-11-05";

/** The codes of errors that are answered on demand: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes */
const CODES: Readonly<Record<number, string>> = {
  403: "AuthorizationPermissionMismatch",
  404: "ContainerNotFound",
  409: "BlobAlreadyExists",
  412: "ConditionNotMet",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServerBusy",
};
const FORBIDDEN = 403;
const IDLE_MS = 3_000;

/** The HTTP side of the store of checkpoints. It does not listen itself: it is given sockets. */
export class BlobServer {
  readonly #namespace: Namespace;
  readonly #restart: () => void;
  readonly #server: Server;

  /** @param onUpgrade a client wants to go on with another protocol */
  constructor(namespace: Namespace, restart: () => void, onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void) {
    this.#namespace = namespace;
    this.#restart = restart;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // Clients are told, and leave an idle connection a second before.
    this.#server.keepAliveTimeout = IDLE_MS;
    this.#server.on("upgrade", onUpgrade);
  }

  accept(socket: Duplex): void {
    this.#server.emit("connection", socket);
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = message;
    try {
      const body = await bodyOf(message);
      const url = new URL(message.url ?? "/", `${"encrypted" in socket ? "https" : "http"}://${message.headers.host ?? "localhost"}`);
      const answer = this.#answer(message, url, body);
      if (answer === null) socket.destroy();
      else write(response, answer, message.method);
    } catch (error) {
      if (error instanceof BlobRefusal) write(response, refused(error), message.method);
      // Else the client has gone away.
      else if (!socket.destroyed) {
        process.emitWarning(`the emulated Event Hubs has a defect: ${String(error)}`);
        socket.destroy();
      }
    }
  }

  /** @returns `null` where the connection ends instead. @throws BlobRefusal */
  #answer(message: IncomingMessage, url: URL, body: Buffer): BlobResponse | null {
    const { blobs } = this.#namespace;
    const nowMs = Date.now();
    const request = requestOf(message, url, body, blobs.name);
    authorize(blobs, message, url, nowMs);
    const faults = this.#faultsOf(request);
    if (faults.has("restart")) {
      this.#restart();
      return null;
    }
    if (faults.disconnection !== null || faults.refusal("detach", false) !== null) return null;
    if (faults.has("refuse-authorization")) throw onDemand(FORBIDDEN);
    const before = faults.statusOf(false);
    if (before !== null) throw onDemand(before);
    const answer = answerBlobRequest(blobs, request, nowMs);
    const after = faults.statusOf(true);
    if (after !== null) throw onDemand(after);
    return faults.has("lose-answer") || faults.refusal("detach", true) !== null ? null : answer;
  }

  #faultsOf(request: BlobRequest): CallFaults {
    const name = request.blob === "" ? (request.query.get("prefix") ?? "") : request.blob;
    const place = groupBlobOf(name);
    const topics: CallTopics =
      place === null
        ? new Map()
        : new Map([[this.#namespace.find(place.hub)?.name ?? place.hub, place.partition === null ? [] : [place.partition]]]);
    return this.#namespace.faultsOf(this.#callOf(request), topics, place !== null);
  }

  #callOf({ method, container, blob, query, metadata }: BlobRequest): CallName {
    if (blob === "") return query.get("comp") === "list" ? "ListBlobs" : "ReadBlob";
    if (method === "DELETE") return "DeleteBlob";
    if (method !== "PUT") return "ReadBlob";
    const stored = this.#namespace.blobs.containers.find(({ name }) => name === container)?.find(blob);
    return writeCall(blob, stored, metadata);
  }
}

function onDemand(status: number): BlobRefusal {
  return new BlobRefusal(status, CODES[status] ?? "InternalError", "A fault of the emulator answers so.");
}

function requestOf(message: IncomingMessage, url: URL, body: Buffer, account: string): BlobRequest {
  const [, first, container = "", ...rest] = url.pathname.split("/");
  if (first !== account)
    throw new BlobRefusal(404, "ResourceNotFound", `There is no account ${JSON.stringify(first)}; it is the first part of the path.`);
  return {
    method: message.method ?? "GET",
    container: decoded(container),
    blob: decoded(rest.join("/")),
    query: url.searchParams,
    headers: message.headers,
    metadata: metadataOf(message.headers),
    body,
    endpoint: `${url.origin}/${account}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BlobRefusal(400, "InvalidUri", "The requested URI does not represent any resource on the server.");
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function refused({ status, code, message }: BlobRefusal): BlobResponse {
  const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const xml = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  return {
    status,
    headers: { "x-ms-error-code": code, "content-type": "application/xml" },
    body: status === 304 ? Buffer.alloc(0) : Buffer.from(xml),
  };
}

function write(response: ServerResponse, { status, headers, body }: BlobResponse, method: string | undefined): void {
  response.writeHead(status, { "content-length": body.length, ...headers, "x-ms-request-id": randomUUID(), "x-ms-version": API_VERSION });
  response.end(method === "HEAD" ? undefined : body);
}
