import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { CallFaults } from "../faults/call-faults.ts";
import type { ErrorAnswer } from "../faults/fault-effect.ts";
import { bucketNotFound } from "../objects/object-store.ts";
import { operations } from "../operations/operations.ts";
import { verifyRequest } from "../signature/verify-request.ts";
import type { ThrowAwayIdentity } from "../signature/throw-away-identity.ts";
import type { StreamingService } from "../streaming-service.ts";
import type { Answer, Call, Operation } from "./call.ts";
import { Query } from "./query.ts";
import { Routes } from "./routes.ts";
import { ServiceError, notAuthorizedOrNotFound } from "./service-error.ts";

/** More than any valid request has: 1 MiB in the smallest possible messages. */
const MOST_BODY_BYTES = 64 * 1_048_576;

/** Answers requests: verifies who has sent them, applies faults, carries them out. */
export class Dispatcher {
  readonly #service: StreamingService;
  readonly #identity: ThrowAwayIdentity;
  readonly #restart: () => void;
  readonly #routes = new Routes(operations);

  constructor(service: StreamingService, identity: ThrowAwayIdentity, restart: () => void) {
    this.#service = service;
    this.#identity = identity;
    this.#restart = restart;
  }

  /** Never rejects. */
  async answer(endpoint: Operation["endpoint"], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      const body = await bodyOf(request);
      if (body === null) return;
      await this.#respond(endpoint, request, response, body, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (error instanceof ServiceError) return this.#send(request, response, errorAnswer(error));
      const text = error instanceof Error ? error.stack : String(error);
      process.emitWarning(`the emulated OCI Streaming could not answer a request: ${text}`);
      response.destroy();
    }
  }

  /** @throws `ServiceError` */
  async #respond(
    endpoint: Operation["endpoint"],
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    gone: AbortSignal,
  ): Promise<void> {
    const { method = "GET", url: target = "/", headers } = request;
    const [path] = target.split("?", 1);
    const route = this.#routes.find(endpoint, method, path!);
    if (route === null) throw new ServiceError(404, "NotFound", "Not Found");
    if (route === "method") throw new ServiceError(405, "MethodNotAllowed", "Method Not Allowed");
    const { operation } = route;
    const service = this.#service;
    const keyOf = (keyId: string): ReturnType<ThrowAwayIdentity["keyOf"]> => this.#identity.keyOf(keyId);
    verifyRequest({ method, target, headers, body }, keyOf, service.clock.nowMs, operation.mayLeaveBodyUnsigned ?? false);
    service.countCall(operation.name);
    const call: Call = { service, path: route.path, query: new Query(target.slice(path!.length + 1)), headers, body };
    const faults = service.faults.isEmpty ? CallFaults.NONE : this.#faultsOf(operation, call);
    if (service.settings.latencyMs > 0) await delay(service.settings.latencyMs, undefined, { signal: gone });
    if (faults === CallFaults.NONE) return this.#send(request, response, carryOut(operation, call, faults));
    await this.#withFaults(operation, call, faults, request, response, gone);
  }

  #faultsOf(operation: Operation, call: Call): CallFaults {
    const { topics, hasGroup = false, name = operation.name } = operation.subjectOf(call);
    const applied = this.#service.faults.take({ name, topics, hasGroup });
    return applied.length === 0 ? CallFaults.NONE : new CallFaults(applied);
  }

  async #withFaults(
    operation: Operation,
    call: Call,
    faults: CallFaults,
    request: IncomingMessage,
    response: ServerResponse,
    gone: AbortSignal,
  ): Promise<void> {
    if (faults.has("restart")) return this.#restart();
    const disconnects = faults.all("disconnect");
    const before = disconnects.find(({ isCarriedOut }) => !isCarriedOut);
    if (before !== undefined) return hangUp(response, before.how);
    for (const { durationMs, where } of faults.all("delay")) {
      if (where === "before") await delay(durationMs, undefined, { signal: gone });
    }
    if (faults.has("not-permitted")) throw notPermitted(call);
    const refusals = faults.all("refuse");
    const refusal = refusals.find(({ isCarriedOut }) => !isCarriedOut);
    if (refusal !== undefined) return this.#send(request, response, plannedErrorAnswer(refusal.answer));
    this.#changeLeases(call, faults);
    const answer = carryOut(operation, call, faults);
    const after = disconnects.find(({ isCarriedOut }) => isCarriedOut);
    if (after !== undefined) return hangUp(response, after.how);
    const lost = refusals.find(({ isCarriedOut }) => isCarriedOut);
    if (lost !== undefined) return this.#send(request, response, plannedErrorAnswer(lost.answer));
    const stallMs = Math.max(0, ...faults.all("delay").map(({ durationMs, where }) => (where === "inside" ? durationMs : 0)));
    await this.#sendSlowly(request, response, answer, stallMs, gone);
  }

  #changeLeases({ path: { bucketName, objectName } }: Call, faults: CallFaults): void {
    if (bucketName === undefined || objectName === undefined) return;
    const { leases } = this.#service;
    if (faults.has("steal-lease")) leases.steal(bucketName, objectName);
    if (faults.has("lose-owners")) leases.loseOwners(objectName);
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    const body = this.#writeHead(request, response, answer);
    response.end(body);
  }

  /** The answer begins at once, and its second half comes later. */
  async #sendSlowly(request: IncomingMessage, response: ServerResponse, answer: Answer, stallMs: number, gone: AbortSignal): Promise<void> {
    const body = this.#writeHead(request, response, answer);
    if (stallMs > 0) {
      const half = body.length >> 1;
      response.write(body.subarray(0, half));
      await delay(stallMs, undefined, { signal: gone });
      response.end(body.subarray(half));
    } else response.end(body);
  }

  /** @returns the body to send */
  #writeHead({ headers, method }: IncomingMessage, response: ServerResponse, { status, headers: own = {}, body = "" }: Answer): Buffer {
    const content = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    const clientId = headers["opc-request-id"] ?? headers["opc-client-request-id"];
    response.sendDate = false;
    response.writeHead(status, {
      "content-type": "application/json",
      ...own,
      date: new Date(this.#service.clock.nowMs).toUTCString(),
      "opc-request-id": [clientId ?? newId(), newId()].join("/").toUpperCase(),
      ...(status === 204 || status === 304 ? {} : { "content-length": own["content-length"] ?? String(content.length) }),
    });
    return method === "HEAD" ? Buffer.alloc(0) : content;
  }
}

/** 32 digits. Node keeps random bytes for these in stock. */
function newId(): string {
  return randomUUID().replaceAll("-", "");
}

function carryOut(operation: Operation, call: Call, faults: CallFaults): Answer {
  try {
    return operation.carryOut(call, faults);
  } catch (error) {
    if (error instanceof ServiceError) return errorAnswer(error);
    throw error;
  }
}

function errorAnswer({ status, code, message }: ServiceError): Answer {
  return plannedErrorAnswer({ status, code, message });
}

function plannedErrorAnswer({ status, code, message }: ErrorAnswer): Answer {
  if (code === null) return { status, headers: { "content-type": "text/html" }, body: message };
  return { status, body: JSON.stringify({ code, message }) };
}

function notPermitted({ path: { namespaceName, bucketName, streamId } }: Call): ServiceError {
  if (namespaceName !== undefined && bucketName !== undefined) return bucketNotFound(namespaceName, bucketName);
  return notAuthorizedOrNotFound(streamId === undefined ? "no permission" : `Unknown stream ${streamId}`);
}

function hangUp(response: ServerResponse, how: "reset" | "close"): void {
  if (how === "reset") response.socket?.resetAndDestroy();
  else response.destroy();
}

/** @returns `null` if the client has gone. @throws `ServiceError` 413 */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= MOST_BODY_BYTES) chunks.push(chunk);
    }
  } catch {
    return null;
  }
  if (bytes > MOST_BODY_BYTES) throw new ServiceError(413, "RequestEntityTooLarge", "The request is too large");
  return Buffer.concat(chunks);
}
