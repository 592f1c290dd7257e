import type { GroupName, StartPoint } from "../../../src/driver/index.ts";
import { type LeaseGroupParts, systemClock } from "../../../src/leases/index.ts";
import { classify } from "../errors.ts";
import type { OciService } from "../service.ts";
import { OciSource } from "../source.ts";
import { AdoptingLeaseStore } from "./adopting-lease-store.ts";
import { committedPlaces, serviceGroupOf } from "./service-group.ts";

const LONGEST_WATCH_MS = 1_000;
const LONGEST_RENEWAL_MS = 3_000;
const SHORTEST_WATCH_MS = 100;
const SHORTEST_RENEWAL_MS = 300;
/** A write takes some ten milliseconds, and some hundred on a bad day. */
const LEAST_SESSION_MS = 3_000;

interface GroupNeeds {
  readonly bufferedBytes?: number | undefined;
  /** Where a group begins that stands nowhere. Absent: an administrator asks, who begins none by that. */
  readonly initial?: StartPoint | "fail" | undefined;
  readonly signal: AbortSignal;
}

/** What a group is made of. @throws `not-found` for the stream · `configuration` where there is no place for groups */
export async function groupParts(
  service: OciService,
  topic: string,
  name: GroupName,
  { bufferedBytes, initial, signal }: GroupNeeds,
): Promise<LeaseGroupParts> {
  const stream = await service.directory.usable(topic, signal);
  const store = service.groups.storeOf(stream, name.nativeGroup ?? name.group);
  const adopted = serviceGroupOf(name);
  const isAdopted = adopted !== null && initial !== undefined;
  return {
    store: isAdopted ? new AdoptingLeaseStore(store, (within) => committedPlaces(service, stream, adopted, initial, within)) : store,
    source: new OciSource(service, topic, bufferedBytes),
    clock: systemClock,
    report: service.report,
    classify,
    watchMs: Math.max(SHORTEST_WATCH_MS, Math.min(service.pollMs, LONGEST_WATCH_MS)),
    renewMs: Math.max(SHORTEST_RENEWAL_MS, Math.min(service.pollMs * 3, LONGEST_RENEWAL_MS)),
    leastSessionMs: LEAST_SESSION_MS,
  };
}
