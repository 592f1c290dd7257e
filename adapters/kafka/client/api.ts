import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Selects the connection to the broker for a request. Each connection is answered in order. */
export type ConnectionPurpose = "produce" | "fetch" | "group" | "other";

/**
 * One request of the protocol: how it is written, and how its answer is read. A server has to support one of the versions.
 * Layouts: https://kafka.apache.org/protocol
 */
export interface Api<Request, Answer> {
  readonly name: string;
  readonly key: number;
  /** Ascending, possibly with gaps. */
  readonly versions: readonly number[];
  /** From this version on, requests and answers have tagged fields. Absent: never. */
  readonly flexibleFrom?: number;
  readonly purpose: ConnectionPurpose;
  /** The time that the server itself may wait before it answers. */
  readonly waitMs?: (request: Request) => number;
  /** The server may need much time (replicas, other members, old logs), so a late answer alone proves nothing. */
  readonly isPatient?: true;
  /** @returns the version for this request, out of those that both sides support. Absent: the newest one. */
  readonly newestFor?: (request: Request) => number;
  readonly write: (request: Request, writer: WireWriter, version: number) => void;
  readonly read: (reader: WireReader, version: number, request: Request) => Answer;
}

/** The versions that a server supports, by the key of the request. */
export type ApiVersions = ReadonlyMap<number, { readonly oldest: number; readonly newest: number }>;

/** The newest version that both sides support, or `null`. */
export function commonVersion<Request>(
  api: Api<Request, never> | Api<Request, unknown>,
  request: Request,
  server: ApiVersions,
): number | null {
  const range = server.get(api.key);
  if (range === undefined) return null;
  const newest = Math.min(range.newest, api.newestFor?.(request) ?? Infinity);
  return api.versions.findLast((version) => version >= range.oldest && version <= newest) ?? null;
}

/** The first request on every connection, in a version that every server answers. */
export const apiVersionsApi: Api<null, ApiVersions> = {
  name: "ApiVersions",
  key: 18,
  versions: [0],
  purpose: "other",
  write: () => undefined,
  read: (reader) => {
    const errorCode = reader.int16();
    const ranges = reader.array(() => [reader.int16(), { oldest: reader.int16(), newest: reader.int16() }] as const);
    return errorCode === 0 ? new Map(ranges) : new Map();
  },
};
