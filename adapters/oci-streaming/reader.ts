import { SourceReader } from "../../src/adapter-kit/index.ts";
import type { ReaderDriver } from "../../src/driver/index.ts";
import { classify } from "./errors.ts";
import type { OciService } from "./service.ts";
import { OciSource } from "./source.ts";

/** The partitions of a stream never change. */
const DESCRIBE_MS = 60_000;

/** Reads ranges of a stream by plain cursors. It leaves nothing at the service, and shares the reads of each partition with all others. */
export function ociReader(service: OciService, topic: string): ReaderDriver {
  return new SourceReader({
    provider: "oci-streaming",
    topic,
    source: new OciSource(service, topic),
    readerEnd: "caught-up",
    describeMs: DESCRIBE_MS,
    retry: { report: service.report, topic, classify },
  });
}
