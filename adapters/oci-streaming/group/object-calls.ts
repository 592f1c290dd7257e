import type { HttpAnswer } from "../client/http-transport.ts";
import type { ServiceCall, ServiceCalls } from "../client/service-calls.ts";
import { hasStatus } from "../errors.ts";
import type { LeaseBucket } from "../options.ts";

export interface StoredText {
  readonly text: string;
  /** Another one after every write. */
  readonly etag: string;
}

export interface ListedObject {
  readonly name: string;
  readonly etag: string;
}

interface ListAnswer {
  readonly objects: readonly ListedObject[];
  readonly nextStartWith?: string | null;
}

/** The few requests of Object Storage that groups need: https://docs.oracle.com/iaas/api/#/en/objectstorage/20160918/Object/ */
export class ObjectCalls {
  readonly #calls: ServiceCalls;
  readonly #endpoint: () => Promise<string>;
  readonly #path: string;

  constructor(calls: ServiceCalls, endpoint: () => Promise<string>, { namespace, bucket }: LeaseBucket) {
    this.#calls = calls;
    this.#endpoint = endpoint;
    this.#path = `/n/${encodeURIComponent(namespace)}/b/${encodeURIComponent(bucket)}`;
  }

  /** @returns `null`: there is no such object */
  async read(name: string, signal: AbortSignal): Promise<StoredText | null> {
    try {
      const answer = await this.#send({ operation: "GetObject", method: "GET", path: pathOf(name) }, signal);
      return { text: answer.body.toString("utf8"), etag: etagOf(answer) };
    } catch (error) {
      if (isObjectMissing(error)) return null;
      throw error;
    }
  }

  /**
   * @param etag of the object that is replaced; `null`: there must be none
   * @returns its new etag, or `null`: somebody else has written
   */
  async write(name: string, text: string, etag: string | null, signal: AbortSignal): Promise<string | null> {
    const headers: Record<string, string> = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
    try {
      const call = { operation: "PutObject", method: "PUT" as const, path: pathOf(name), headers, body: text, isUpload: true };
      return etagOf(await this.#send(call, signal));
    } catch (error) {
      if (isLostRace(error) || (etag !== null && isObjectMissing(error))) return null;
      throw error;
    }
  }

  /** @returns whether it was removed; `false`: somebody else has written or removed it */
  async remove(name: string, etag: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#send({ operation: "DeleteObject", method: "DELETE", path: pathOf(name), headers: { "if-match": etag } }, signal);
      return true;
    } catch (error) {
      if (isLostRace(error) || isObjectMissing(error)) return false;
      throw error;
    }
  }

  async list(prefix: string, signal: AbortSignal): Promise<readonly ListedObject[]> {
    const found: ListedObject[] = [];
    let start: string | null = null;
    do {
      const from: string = start === null ? "" : `&start=${encodeURIComponent(start)}`;
      const path = `?prefix=${encodeURIComponent(prefix)}&fields=name,etag${from}`;
      const answer = await this.#send({ operation: "ListObjects", method: "GET", path }, signal);
      const { objects, nextStartWith }: ListAnswer = JSON.parse(answer.body.toString("utf8"));
      found.push(...objects);
      start = nextStartWith ?? null;
    } while (start !== null);
    return found;
  }

  /** One cheap request to the bucket. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#send({ operation: "ListObjects", method: "GET", path: "?limit=1&fields=name" }, signal);
  }

  async #send({ path, ...call }: Omit<ServiceCall, "url"> & { readonly path: string }, signal: AbortSignal): Promise<HttpAnswer> {
    const endpoint = (await this.#endpoint()).replace(/\/+$/, "");
    return this.#calls.send({ ...call, url: `${endpoint}${this.#path}/o${path}` }, signal);
  }
}

function pathOf(name: string): string {
  return `/${name.split("/").map(encodeURIComponent).join("/")}`;
}

function etagOf({ headers: { etag } }: HttpAnswer): string {
  if (typeof etag !== "string") throw new SyntaxError("the answer has no etag");
  return etag;
}

/** https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm: 412 IfMatchFailed, IfNoneMatchFailed; 409 for writes at the same time */
function isLostRace(error: unknown): boolean {
  return hasStatus(error, 409, 412);
}

/** A missing bucket has another code. */
function isObjectMissing(error: unknown): boolean {
  const { serviceCode } = error as { readonly serviceCode?: string };
  return serviceCode === "ObjectNotFound";
}
