import type { GroupName, StartPoint } from "../../../src/driver/index.ts";
import { type LeaseGroupParts, systemClock } from "../../../src/leases/index.ts";
import { classify } from "../errors.ts";
import type { KinesisService } from "../service.ts";
import { KinesisSource } from "../source.ts";
import { DynamoLeaseStore } from "./dynamo-lease-store.ts";
import { tableOf } from "./group-name.ts";
import { Tables } from "./tables.ts";

/** Where shards are polled more often than usual, as in tests, groups are quicker too: what costs least is looked at most often. */
const LONGEST_WATCH_MS = 1_000;
const POLLS_PER_WATCH = 2;
const LONGEST_RENEWAL_MS = 3_000;
const POLLS_PER_RENEWAL = 8;
const SHORTEST_MS = 50;
/** A write takes some ten milliseconds, and some hundred on a bad day. */
const LEAST_SESSION_MS = 3_000;

/** What a group is made of. */
export interface KinesisGroupParts extends LeaseGroupParts {
  readonly store: DynamoLeaseStore;
  readonly source: KinesisSource;
}

/** @param initial where a group begins that stands nowhere */
export function groupParts(
  service: KinesisService,
  topic: string,
  name: GroupName,
  { initial, bufferedBytes }: { readonly initial: StartPoint | "fail"; readonly bufferedBytes?: number | undefined },
): KinesisGroupParts {
  const source = new KinesisSource(service, topic, bufferedBytes);
  const store = new DynamoLeaseStore(new Tables(service.connection, topic, service.knownTables), tableOf(topic, name), {
    latest: (signal) => source.resolve({ kind: "latest" }, signal),
    timestamp: initial !== "fail" && initial.kind === "timestamp" ? initial : { kind: "earliest" },
  });
  return {
    store,
    source,
    clock: systemClock,
    report: service.report,
    classify,
    watchMs: Math.max(SHORTEST_MS, Math.min(service.pollMs * POLLS_PER_WATCH, LONGEST_WATCH_MS)),
    renewMs: Math.max(SHORTEST_MS, Math.min(service.pollMs * POLLS_PER_RENEWAL, LONGEST_RENEWAL_MS)),
    leastSessionMs: LEAST_SESSION_MS,
  };
}
