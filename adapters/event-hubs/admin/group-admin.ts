import type {
  DriverGroupDescription,
  GroupName,
  Lag,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  StartPoint,
} from "../../../src/driver/index.ts";
import { type LeaseAdmin, type LeaseProgress, leaseAdmin } from "../../../src/leases/index.ts";
import { eventHubsError, groupNotFound } from "../errors.ts";
import { groupParts } from "../group/group-parts.ts";
import type { PartitionInfo } from "../hubs/hub-directory.ts";
import { parsePosition } from "../records.ts";
import type { EventHubsService } from "../service.ts";

/** The groups of hubs. */
export class GroupAdmin {
  readonly #service: EventHubsService;

  constructor(service: EventHubsService) {
    this.#service = service;
  }

  async #admin(topic: string, name: GroupName): Promise<LeaseAdmin> {
    return leaseAdmin(await groupParts(this.#service, topic, name));
  }

  async list(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    await this.#service.directory.hubNow(topic, signal);
    return (await this.#service.groups.list(topic, signal)).map((group) => ({ group, nativeGroup: group }));
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const described = await (await this.#admin(topic, name)).describe(signal);
    if (described === null) throw groupNotFound(topic, nativeOf(name));
    return { nativeName: nativeOf(name), ...described };
  }

  async planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return (await this.#admin(topic, name)).plan(to, signal);
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    await (await this.#admin(topic, name)).reset(to, signal);
  }

  async delete(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    await (await this.#admin(topic, name)).remove(signal);
  }

  /** The difference of sequence numbers: where compaction has removed events it is too high, except behind the last one that this connection has found. */
  async lag(topic: string, name: GroupName, { partitions, initialPosition }: LagRequest, signal: AbortSignal): Promise<Lag> {
    const admin = await this.#admin(topic, name);
    const progress = await admin.progress(signal);
    if (progress === null && initialPosition === null) throw groupNotFound(topic, nativeOf(name));
    const beginning = progress === null ? await admin.plan(initialPosition!, signal) : new Map<string, PartitionPlace>();
    const hub = await this.#service.directory.hub(topic, signal);
    const asked = hub.partitions.filter((partition) => partitions?.includes(partition) ?? true);
    const figures = await Promise.all(
      asked.map(async (partition) => {
        const place = beginning.get(partition) ?? { kind: "earliest" };
        const info = await this.#service.directory.partition(topic, partition, signal);
        const at = progress?.get(partition) ?? { place, ahead: null };
        const tail = { topic, incarnation: hub.identity.incarnation, partition, next: nextOf(at.place) };
        const isRemoved = this.#service.removedTails.knows(tail, info);
        return { partition, messages: isRemoved ? 0 : behind(info, at, topic, partition), timeMs: null };
      }),
    );
    const messages = figures.reduce((sum, figure) => sum + figure.messages, 0);
    return { messages, timeMs: null, partitions: figures };
  }
}

function nativeOf({ group, nativeGroup = group }: GroupName): string {
  return nativeGroup;
}

/** The number behind which everything is handled; `null`: the place is none of a position. */
function nextOf(place: PartitionPlace): number | null {
  if (place.kind !== "at" && place.kind !== "after") return null;
  return parsePosition(place.position).sequenceNumber + (place.kind === "after" ? 1 : 0);
}

/** @throws `position-out-of-range` */
function behind({ begin, next }: PartitionInfo, { place, ahead }: LeaseProgress, topic: string, partition: string): number {
  if (place.kind === "ended") return 0;
  const first = nextOf(place);
  if (first === null) return next - begin;
  if (first > next) {
    const text = `the group stands at ${first}, behind the end of the partition, whose next event is ${next}`;
    throw eventHubsError("position-out-of-range", text, { topic, partition });
  }
  const from = Math.max(first, begin);
  if (ahead === null) return next - from;
  const until = parsePosition(ahead.upTo).sequenceNumber + 1;
  const waiting = ahead.except.filter((position) => parsePosition(position).sequenceNumber >= from).length;
  return next - Math.max(from, until) + waiting;
}
