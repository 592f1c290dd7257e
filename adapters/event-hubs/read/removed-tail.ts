import type { EventPosition } from "@azure/event-hubs";
import type { EventHubsService } from "../service.ts";
import { EventPump } from "./event-pump.ts";

export interface TailRequest {
  readonly topic: string;
  readonly partition: string;
  /** Where the tail begins. */
  readonly start: EventPosition;
  /** The oldest sequence number of the partition, which is not empty. */
  readonly begin: number;
}

/** So many links in a row must find nothing. */
const LINKS = 3;
const TURN_MS = 400;
/** The first turn may have begun before the witness came. */
const SILENT_TURNS = 2;
const MOST_WITNESS_TURNS = 12;

/**
 * Has compaction removed all that the partition had from here to its end? The service never says so, and a link is as silent while the service is slow. So
 * each silent link has a witness: another link, opened after it, that gets the oldest event of the partition. It remains evidence, no proof: nothing may be
 * passed for good because of it.
 * @returns `false` in doubt, and where readers are refused
 */
export async function isTailRemoved(service: EventHubsService, request: TailRequest, signal: AbortSignal): Promise<boolean> {
  try {
    for (let link = 0; link < LINKS; link += 1) if (!(await isSilentBesideWitness(service, request, signal))) return false;
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function isSilentBesideWitness(service: EventHubsService, request: TailRequest, signal: AbortSignal): Promise<boolean> {
  const { topic, partition, start, begin } = request;
  const open = async (from: EventPosition): Promise<EventPump> => {
    const consumer = await service.clients.consumer(topic, service.readerGroup, partition);
    return new EventPump(consumer, { partition, start: from, ownerLevel: null, idleMs: TURN_MS, most: 1 });
  };
  await using tail = await open(start);
  await using witness = await open({ sequenceNumber: begin - 1, isInclusive: false });
  if (!(await hasEvent(witness, MOST_WITNESS_TURNS, signal))) return false;
  return !(await hasEvent(tail, SILENT_TURNS, signal));
}

async function hasEvent(pump: EventPump, turns: number, signal: AbortSignal): Promise<boolean> {
  for (let turn = 0; turn < turns; turn += 1) if ((await pump.next(signal)).kind === "events") return true;
  return false;
}
