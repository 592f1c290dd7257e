import type { Report } from "../../src/driver/index.ts";
import type { PubSubConnection } from "./client/pubsub-connection.ts";

/** What the parts of one driver share. */
export interface PubSubService {
  readonly connection: PubSubConnection;
  readonly report: Report;
  readonly seekSettlingMs: number;
  readonly quietMs: number;
  /** As the option of this name. */
  readonly googleEmulator: boolean;
  /** As the option of this name. */
  readonly exactlyOnce: boolean;
}

/** There are no partitions: what a topic has is this one. */
export const PARTITION = "0";
