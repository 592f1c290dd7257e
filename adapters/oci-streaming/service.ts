import type { Report } from "../../src/driver/index.ts";
import type { LeaseStore } from "../../src/leases/index.ts";
import { type ServiceCalls } from "./client/service-calls.ts";
import { StreamCalls } from "./client/stream-calls.ts";
import type { ObjectCalls } from "./group/object-calls.ts";
import type { Envelope } from "./options.ts";
import type { ReadBudget } from "./read/read-budget.ts";
import type { StreamDirectory } from "./streams/stream-directory.ts";
import type { StreamSummary } from "./streams/stream-summary.ts";

/** What the parts of one connection share. */
export interface OciService {
  readonly calls: ServiceCalls;
  /** The administration of streams. */
  readonly admin: StreamCalls;
  readonly directory: StreamDirectory;
  readonly budget: ReadBudget;
  readonly report: Report;
  readonly pollMs: number;
  readonly envelope: Envelope;
  readonly streamPool: string;
  readonly groups: GroupStores;
  /** Where groups are kept; `null`: not in Object Storage. */
  readonly objects: ObjectCalls | null;
}

/** Where groups are kept. */
export interface GroupStores {
  /** @throws `configuration` where the options name no place for groups */
  storeOf(stream: StreamSummary, group: string): LeaseStore;
  /** The groups of a stream by their native names. @throws `configuration` */
  list(stream: StreamSummary, signal: AbortSignal): Promise<readonly string[]>;
}

/** The endpoint for messages is told by the stream: https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview.htm */
export function messagesOf({ calls }: OciService, { messagesEndpoint }: StreamSummary): StreamCalls {
  return new StreamCalls(calls, async () => messagesEndpoint);
}
