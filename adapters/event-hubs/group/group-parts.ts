import type { GroupName } from "../../../src/driver/index.ts";
import { type LeaseGroupParts, systemClock } from "../../../src/leases/index.ts";
import { classify } from "../errors.ts";
import type { EventHubsService } from "../service.ts";
import { EventHubsSource } from "../source.ts";

/** A write takes some ten milliseconds, and some hundred on a bad day. */
const LEAST_SESSION_MS = 3_000;
const DESCRIBE_MS = 5_000;
const LONGEST_RENEWAL_MS = 3_000;

/** What a group is made of. @throws `configuration` where there is no place for groups */
export async function groupParts(
  service: EventHubsService,
  topic: string,
  { group, nativeGroup = group }: GroupName,
  bufferedBytes?: number,
): Promise<LeaseGroupParts> {
  const { watchMs, report } = service;
  return {
    store: await service.groups.storeOf(topic, nativeGroup),
    source: new EventHubsSource(service, topic, nativeGroup, bufferedBytes),
    clock: systemClock,
    report,
    classify,
    watchMs,
    renewMs: Math.min(watchMs * 3, LONGEST_RENEWAL_MS),
    describeMs: DESCRIBE_MS,
    leastSessionMs: LEAST_SESSION_MS,
  };
}
