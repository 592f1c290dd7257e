import type { EventPosition } from "@azure/event-hubs";
import type { Report } from "../../../src/driver/index.ts";
import type { HubClients } from "../client/hub-clients.ts";
import type { PartitionInfo } from "../hubs/hub-directory.ts";
import type { EventPump } from "./event-pump.ts";
import { oneEventPump } from "./one-event-pump.ts";

/** A partition, and where its tail begins. */
export interface TailPlace {
  readonly topic: string;
  /** Of the hub: the numbers of one that is created anew begin anew. */
  readonly incarnation: string;
  readonly partition: string;
  /** `null`: `start` says it otherwise. */
  readonly next: number | null;
}

/** So many links in a row must find nothing. */
const LINKS = 3;
/** The first turn may have begun before the witness came. */
const SILENT_TURNS = 2;
const MOST_WITNESS_TURNS = 12;

/**
 * Where compaction has removed all that a partition had from some place to its end. The service never says so, and a link is as silent while the service is
 * slow. So each silent link has a witness: another link, opened after it, that gets the oldest event of the partition. It remains evidence, no proof: a
 * group must not be moved because of it.
 */
export class RemovedTails {
  readonly #clients: HubClients;
  readonly #readerGroup: string;
  readonly #turnMs: number;
  readonly #report: Report;
  /** By partition: nothing is left of these numbers. */
  readonly #known = new Map<string, { readonly from: number; readonly through: number }>();

  /** @param turnMs how long a link is silent each time */
  constructor(clients: HubClients, readerGroup: string, turnMs: number, report: Report) {
    this.#clients = clients;
    this.#readerGroup = readerGroup;
    this.#turnMs = turnMs;
    this.#report = report;
  }

  /** Was it found before that nothing is left from this place on? */
  knows(place: TailPlace, info: PartitionInfo): boolean {
    const known = this.#known.get(nameOf(place));
    return known !== undefined && place.next !== null && place.next >= known.from && info.next <= known.through + 1;
  }

  /** @returns whether nothing is left; `false` in doubt, and where readers are refused */
  async look(place: TailPlace, start: EventPosition, info: PartitionInfo, signal: AbortSignal): Promise<boolean> {
    try {
      for (let link = 0; link < LINKS; link += 1) if (!(await this.#isSilentBesideWitness(place, start, info, signal))) return false;
    } catch {
      signal.throwIfAborted();
      return false;
    }
    this.#note(place, info);
    return true;
  }

  #note(place: TailPlace, info: PartitionInfo): void {
    const { topic, partition, next } = place;
    if (next !== null) this.#known.set(nameOf(place), { from: next, through: info.next - 1 });
    if (!this.#report.wants("warning")) return;
    const from = next ?? "the time asked for";
    const text = `partition ${partition} counts as read to its end: its last event was ${info.next - 1}, and nothing comes from ${from} on, while its oldest event does. Compaction removes events so`;
    this.#report({ kind: "warning", topic, text });
  }

  async #isSilentBesideWitness(
    { topic, partition }: TailPlace,
    start: EventPosition,
    { begin }: PartitionInfo,
    signal: AbortSignal,
  ): Promise<boolean> {
    const [group, idleMs] = [this.#readerGroup, this.#turnMs];
    const open = (from: EventPosition): Promise<EventPump> =>
      oneEventPump(this.#clients, { topic, group, partition, start: from, idleMs }, signal);
    await using tail = await open(start);
    await using witness = await open({ sequenceNumber: begin - 1, isInclusive: false });
    if (!(await hasEvent(witness, MOST_WITNESS_TURNS, signal))) return false;
    return !(await hasEvent(tail, SILENT_TURNS, signal));
  }
}

function nameOf({ topic, incarnation, partition }: TailPlace): string {
  return `${topic.toLowerCase()}/${incarnation}/${partition}`;
}

async function hasEvent(pump: EventPump, turns: number, signal: AbortSignal): Promise<boolean> {
  for (let turn = 0; turn < turns; turn += 1) if ((await pump.next(signal)).kind === "events") return true;
  return false;
}
