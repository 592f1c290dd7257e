import type { Report } from "../../src/driver/index.ts";
import type { KinesisConnection } from "./client/kinesis-connection.ts";
import type { Envelope, KinesisOptions } from "./options.ts";
import { streamNameOf } from "./stream-name.ts";
import type { StreamDirectory } from "./streams/stream-directory.ts";

/** What the parts of one driver share. */
export interface KinesisService {
  readonly connection: KinesisConnection;
  readonly directory: StreamDirectory;
  readonly report: Report;
  /** Tables of DynamoDB that are there. */
  readonly knownTables: Set<string>;
  readonly pollMs: number;
  readonly maxRequestBytes: number;
  readonly envelopeOf: (topic: string) => Envelope;
}

/** By the native name of the topic, or the name within its ARN. */
export function envelopes({ envelope = "frame" }: KinesisOptions): KinesisService["envelopeOf"] {
  if (typeof envelope === "string") return () => envelope;
  return (topic) => envelope[topic] ?? envelope[streamNameOf(topic)] ?? "frame";
}
