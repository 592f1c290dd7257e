import type { RequestFaults } from "../faults/request-faults.ts";
import type { InvalidRecords } from "../faults/invalid-records.ts";
import type { RateLimits } from "../server/rate-limits.ts";
import type { ServiceClock } from "../service-clock.ts";
import { invalidArgument, notFound } from "../service-error.ts";
import type { Stream } from "../streams/stream.ts";
import type { Streams } from "../streams/streams.ts";
import { type Members, checkMembers } from "./members.ts";

/** Times and sizes of the emulated service. */
export interface ServiceTimes {
  /** How long streams are CREATING, UPDATING and DELETING. */
  readonly creatingMs: number;
  readonly updatingMs: number;
  readonly deletingMs: number;
  readonly iteratorLifetimeMs: number;
  /** Of ListShards. */
  readonly tokenLifetimeMs: number;
  /** The most records of one answer to GetRecords. */
  readonly pageRecords: number;
  /** How many empty answers a reader gets before the first records, and behind the last ones. */
  readonly emptyAnswers: number;
  /** Does a closed shard end with an empty answer behind the last record, instead of in the answer with it? */
  readonly endsEmpty: boolean;
}

export interface RequestContext {
  readonly streams: Streams;
  readonly clock: ServiceClock;
  readonly times: ServiceTimes;
  readonly faults: RequestFaults;
  readonly invalidRecords: InvalidRecords;
  readonly rates: RateLimits;
}

/** One operation of the API. The dispatcher checks the members of its requests first. */
export interface Handler {
  readonly name: string;
  readonly members: Members;
  /** The answer as an object, or as JSON. @throws ServiceError */
  readonly handle: (input: never, context: RequestContext) => object | string;
}

export function checkRequest({ members }: Handler, input: unknown): void {
  checkMembers(members, input as Record<string, unknown>);
}

export interface StreamInput {
  readonly StreamName?: string | null;
  readonly StreamARN?: string | null;
}

/** @returns the name of the stream that a request is about; null: of none, or of none that is here */
export function streamNameOf({ StreamName, StreamARN }: StreamInput, { streams }: Pick<RequestContext, "streams">): string | null {
  if (typeof StreamARN !== "string") return StreamName ?? null;
  const { accountId, region } = streams.account;
  const [, , , ofRegion, ofAccount, resource = ""] = StreamARN.split(":");
  return ofRegion === region && ofAccount === accountId ? resource.slice("stream/".length).split("/")[0]! : null;
}

/** @throws ServiceError if the request names no stream, two streams, or one that does not exist */
export function streamOf(input: StreamInput, context: Pick<RequestContext, "streams">): Stream {
  const { StreamName, StreamARN } = input;
  if (typeof StreamName !== "string" && typeof StreamARN !== "string")
    throw invalidArgument("Either StreamName or StreamARN must be given.");
  const name = streamNameOf(input, context);
  if (name === null) throw notFound(`Stream ${StreamARN} is not in this account and region.`);
  if (typeof StreamName === "string" && StreamName !== name) throw invalidArgument("StreamName and StreamARN name different streams.");
  return context.streams.get(name);
}
