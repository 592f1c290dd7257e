import { SourceReader } from "../../src/adapter-kit/index.ts";
import type { ReaderDriver } from "../../src/driver/index.ts";
import { classify } from "./errors.ts";
import type { EventHubsService } from "./service.ts";
import { EventHubsSource } from "./source.ts";

/** Partitions are added rarely, and never by this adapter. */
const DESCRIBE_MS = 5_000;

/** Reads ranges of a hub by receivers without an owner level, in a consumer group of their own. It leaves nothing at the service. */
export function eventHubsReader(service: EventHubsService, topic: string): ReaderDriver {
  return new SourceReader({
    provider: "event-hubs",
    topic,
    source: new EventHubsSource(service, topic, service.readerGroup),
    readerEnd: "position",
    describeMs: DESCRIBE_MS,
    retry: { report: service.report, topic, classify },
  });
}
