import type { GroupName, PartitionPlace, StartPoint } from "../../../src/driver/index.ts";
import { hasStatus, ociError } from "../errors.ts";
import { type OciService, messagesOf } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";

/** A native name of this form adopts a group of the service: `groups: { billing: "service:billing-v1" }`. */
const PREFIX = "service:";

/** https://docs.oracle.com/iaas/api/#/en/streaming/20180418/datatypes/Group */
interface ServiceGroup {
  readonly reservations?: readonly PartitionReservation[] | null;
}

/** https://docs.oracle.com/iaas/api/#/en/streaming/20180418/datatypes/PartitionReservation */
interface PartitionReservation {
  readonly partition: string;
  /** Of the last message that was committed. */
  readonly committedOffset?: string | null;
  readonly reservedInstance?: string | null;
  readonly timeReservedUntil?: string | null;
}

/** The group of the service that is to be adopted; `null`: none. */
export function serviceGroupOf({ nativeGroup }: GroupName): string | null {
  return nativeGroup?.startsWith(PREFIX) === true ? nativeGroup.slice(PREFIX.length) : null;
}

/**
 * How far a group of the service has come in each partition. Where it has committed nothing, it is not known where it began: there the group's initial
 * position counts if it is a time, else the beginning, so that nothing is left out.
 * @throws `not-found` · `conflict` while a consumer of that group is running
 */
export async function committedPlaces(
  service: OciService,
  stream: StreamSummary,
  group: string,
  initial: StartPoint | "fail",
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PartitionPlace>> {
  const { reservations } = await serviceGroup(service, stream, group, signal);
  const found = new Map((reservations ?? []).map((reservation) => [reservation.partition, reservation]));
  for (const reservation of found.values()) refuseRunning(service, stream, group, reservation);
  const start: PartitionPlace = initial !== "fail" && initial.kind === "timestamp" ? initial : { kind: "earliest" };
  return new Map(
    stream.partitions.map((partition) => {
      const { committedOffset = null } = found.get(partition) ?? {};
      return [partition, committedOffset === null ? start : { kind: "after", position: committedOffset }];
    }),
  );
}

async function serviceGroup(service: OciService, { id, name: topic, ...stream }: StreamSummary, group: string, signal: AbortSignal) {
  const path = `/streams/${encodeURIComponent(id)}/groups/${encodeURIComponent(group)}`;
  try {
    return await messagesOf(service, { id, name: topic, ...stream }).json<ServiceGroup>(
      { operation: "GetGroup", method: "GET", path, topic },
      signal,
    );
  } catch (cause) {
    if (!hasStatus(cause, 404)) throw cause;
    const text = `the service has no group ${JSON.stringify(group)} of this stream, or these credentials do not permit to read it: the service does not say which`;
    throw ociError("not-found", text, { topic, cause });
  }
}

/** Two groups that handle the same messages at once would keep no order. */
function refuseRunning(service: OciService, { name: topic }: StreamSummary, group: string, reservation: PartitionReservation): void {
  const { reservedInstance, timeReservedUntil, partition } = reservation;
  const untilMs = Date.parse(timeReservedUntil ?? "");
  if ((reservedInstance ?? null) === null || Number.isNaN(untilMs) || untilMs <= service.calls.serviceNowMs) return;
  const until = new Date(untilMs).toISOString();
  const text = `consumers of the service's group ${JSON.stringify(group)} hold partitions until ${until}: stop them, and start this group after that`;
  throw ociError("conflict", text, { topic, partition });
}
