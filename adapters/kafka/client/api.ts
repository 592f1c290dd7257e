import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Which of a broker's connections carries a request; each answers in order. */
export type ConnectionPurpose = "produce" | "fetch" | "group" | "other";

/**
 * One request of the protocol: how it is written and read. The versions are those that this client knows; a server has to
 * know one of them. Layouts are those of https://kafka.apache.org/protocol.
 */
export interface Api<Request, Answer> {
  readonly name: string;
  readonly key: number;
  /** Ascending; not every one in between. */
  readonly versions: readonly number[];
  /** From this version on, requests and answers have tagged fields. Absent: never. */
  readonly flexibleFrom?: number;
  readonly purpose: ConnectionPurpose;
  /** How long the server itself may wait before it answers. */
  readonly waitMs?: (request: Request) => number;
  /** The server may take long for reasons of its own (replicas, other members, old logs): a late answer alone proves nothing. */
  readonly isPatient?: true;
  /** @returns the newest version for this request among those both sides know. Absent: the newest. */
  readonly newestFor?: (request: Request) => number;
  readonly write: (request: Request, writer: WireWriter, version: number) => void;
  readonly read: (reader: WireReader, version: number, request: Request) => Answer;
}

/** What a server can do, by key of the request. */
export type ApiVersions = ReadonlyMap<number, { readonly oldest: number; readonly newest: number }>;

/** The newest version that both sides know, or `null`. */
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

/** Sent first on every connection, in the version that every server answers. */
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
