import { SourceReader } from "../../src/adapter-kit/index.ts";
import type { ReaderDriver } from "../../src/driver/index.ts";
import { classify } from "./errors.ts";
import type { KinesisService } from "./service.ts";
import { KinesisSource } from "./source.ts";

/** Shards name their children themselves, so that the listing finds nothing that a reader does not know. */
const DESCRIBE_MS = 30_000;

/** Reads ranges of a stream. It leaves nothing at the service, and takes a part of what the shards give to all readers. */
export function kinesisReader(service: KinesisService, topic: string): ReaderDriver {
  return new SourceReader({
    provider: "kinesis",
    topic,
    source: new KinesisSource(service, topic),
    readerEnd: "caught-up",
    describeMs: DESCRIBE_MS,
    retry: { report: service.report, topic, classify },
  });
}
