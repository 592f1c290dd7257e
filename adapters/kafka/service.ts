import type { Report } from "../../src/driver/index.ts";
import type { KafkaClient } from "./client/kafka-client.ts";
import type { MetadataBound } from "./group/metadata-bound.ts";
import type { Compression } from "./log/compression.ts";
import type { TopicDirectory } from "./topic-directory.ts";

/** What the parts of one driver share. */
export interface KafkaService {
  readonly client: KafkaClient;
  readonly directory: TopicDirectory;
  readonly report: Report;
  readonly metadataBound: MetadataBound;
  readonly compression: Compression;
  readonly idempotent: boolean;
}
