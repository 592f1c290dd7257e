import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { MemoryBroker } from "../../../../adapters/memory/broker/broker.ts";
import { memoryBroker } from "../../../../adapters/memory/broker/brokers.ts";
import type { Member } from "../../../../adapters/memory/broker/member.ts";
import { openMemory } from "../../../../adapters/memory/open.ts";
import { MemoryFaults } from "../../../../localstack/memory-faults.ts";
import type {
  Assignment,
  ConsumerDriver,
  ConsumerSettings,
  DriverGap,
  DriverReport,
  OutgoingRecord,
  ProviderDriver,
  RangeRequest,
  RecordResult,
  Sink,
  SliceResult,
  StoredRecord,
  StreamError,
  UnreadableRange,
} from "../../../../src/driver/index.ts";

export const signal = new AbortController().signal;

export interface Opened {
  readonly driver: ProviderDriver;
  readonly broker: MemoryBroker;
  readonly faults: MemoryFaults;
  readonly name: string;
  readonly reports: DriverReport[];
}

/** A driver on a broker of its own name, with its broker at hand. */
export function open(query = "create=orders", name: string = randomUUID()): Opened {
  const reports: DriverReport[] = [];
  const report = Object.assign((reported: DriverReport) => void reports.push(reported), { wants: () => true });
  const driver = openMemory(`memory:${name}?${query}`).open({ report });
  const broker = memoryBroker(name);
  return { driver, broker, faults: MemoryFaults.of(broker), name, reports };
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const text = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString());

export function outgoing(key: string | null, value: string | null, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return {
    key: key === null ? null : bytes(key),
    value: value === null ? null : bytes(value),
    headers: [],
    timestampMs: null,
    toPartition: undefined,
    ...more,
  };
}

/** Publishes in one call, lane by lane, and answers a result per record in the order given. */
export async function publish(driver: ProviderDriver, topic: string, records: readonly OutgoingRecord[]): Promise<RecordResult[]> {
  const producer = driver.producer(topic);
  await producer.prepare(signal);
  const lanes = Map.groupBy(records, (record) => producer.laneOf(record.key, record.toPartition));
  const slices = [...lanes].map(([lane, ofLane]) => ({ lane, records: ofLane, bytes: ofLane.length * 100 }));
  const results = await producer.write({ slices, bytes: records.length * 100 }, signal);
  const byRecord = new Map<OutgoingRecord, RecordResult>();
  slices.forEach((slice, at) => slice.records.forEach((record, index) => byRecord.set(record, ofRecord(results[at]!, index))));
  await producer.close();
  return records.map((record) => byRecord.get(record)!);
}

function ofRecord(result: SliceResult, index: number): RecordResult {
  if (result.outcome === "each") return result.results[index]!;
  if (result.outcome !== "stored") return result;
  const { partition, timestampMs } = result;
  return { outcome: "stored", partition, position: result.positionOf(index), timestampMs };
}

/** `count` records over `keys` keys, their values rising. */
export function series(count: number, keys = 7, from = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => outgoing(`key-${(from + index) % keys}`, String(from + index)));
}

/** Reads a range until the driver's end and answers the values by partition, in the order of arrival. */
export async function readAll(
  driver: ProviderDriver,
  topic: string,
  request: Partial<RangeRequest> = {},
): Promise<Map<string, StoredRecord[]>> {
  const reader = driver.reader(topic);
  const range = await reader.resolve({ from: { kind: "earliest" }, until: { kind: "now" }, partitions: null, ...request }, signal);
  const read = new Map<string, StoredRecord[]>();
  for (const part of range.partitions) {
    const records: StoredRecord[] = [];
    read.set(part.partition, records);
    const { end } = part;
    const isBehind = (position: string): boolean => end?.kind === "before" && driver.compare(position, end.position) >= 0;
    if (end?.kind === "before" && part.start.kind === "at" && driver.compare(part.start.position, end.position) >= 0) continue;
    await reader.read(
      [part],
      {
        async deliver(_partition, delivered) {
          records.push(...delivered.filter(({ position }) => !isBehind(position)));
          return !(end?.kind === "before" && isBehind(String(Number(delivered.at(-1)!.position) + 1)));
        },
        unreadable: async () => true,
        advanced: () => true,
        caughtUp: () => false,
        ended: () => {},
        appeared: () => {},
        gap: async () => {},
      },
      signal,
    );
  }
  await reader.close();
  return read;
}

export interface SinkEvent {
  readonly kind: "assigned" | "delivered" | "unreadable" | "ended" | "revoking" | "revoked" | "lost" | "gap" | "caughtUp";
  readonly partition: string;
  readonly assignment: Assignment;
  readonly count?: number;
}

/** A member whose sink records the events. It handles and settles at once, unless `settles` is false. */
export class TestMember implements Sink {
  readonly events: SinkEvent[] = [];
  readonly records: { readonly assignment: Assignment; readonly record: StoredRecord }[] = [];
  readonly current = new Map<string, Assignment>();
  readonly failures: StreamError[] = [];
  readonly gaps: DriverGap[] = [];
  readonly states: ("joined" | "rejoining")[] = [];
  readonly consumer: ConsumerDriver;
  settles = true;
  settled = 0;
  acceptsGaps = true;
  /** Awaited by `revoking`, while the partition is still owned. */
  whileRevoking: (assignment: Assignment) => Promise<void> = async () => {};

  constructor(driver: ProviderDriver, topic: string, settings: Partial<ConsumerSettings> = {}) {
    this.consumer = driver.consumer(topic, {
      group: "billing",
      nativeGroup: undefined,
      initialPosition: { kind: "earliest" },
      sessionTimeoutMs: 10_000,
      maxBufferedBytes: 1_000_000,
      ...settings,
    });
  }

  start(): Promise<void> {
    return this.consumer.start(this, signal);
  }

  get values(): (string | null)[] {
    return this.records.map(({ record }) => text(record.value));
  }

  get partitions(): string[] {
    return [...this.current.keys()].toSorted();
  }

  #note(kind: SinkEvent["kind"], assignment: Assignment, count?: number): void {
    this.events.push({ kind, partition: assignment.partition, assignment, ...(count === undefined ? {} : { count }) });
  }

  joined(): void {
    this.states.push("joined");
  }

  rejoining(): void {
    this.states.push("rejoining");
  }

  assigned(assignment: Assignment): void {
    this.#note("assigned", assignment);
    this.current.set(assignment.partition, assignment);
  }

  async deliver(assignment: Assignment, records: readonly StoredRecord[]): Promise<void> {
    this.#note("delivered", assignment, records.length);
    for (const record of records) this.records.push({ assignment, record });
    if (!this.settles) return;
    await this.settle(assignment, records);
    this.settled += records.length;
  }

  async settle(assignment: Assignment, records: readonly StoredRecord[], ended = false): Promise<StreamError | null> {
    const isPosition = this.consumer.settlementUnit === "position";
    const through = isPosition ? (records.at(-1)?.position ?? null) : null;
    const [error] = await this.consumer.settle([{ assignment, through, records: isPosition ? [] : records, ended, ahead: null }], signal);
    return error!;
  }

  async unreadable(assignment: Assignment, { last }: UnreadableRange): Promise<void> {
    this.#note("unreadable", assignment);
    if (this.settles) await this.consumer.settle([{ assignment, through: last, records: [], ended: false, ahead: null }], signal);
  }

  advanced(): void {}

  forgetAhead(): void {}

  caughtUp(assignment: Assignment): void {
    this.#note("caughtUp", assignment);
  }

  ended(assignment: Assignment): void {
    this.#note("ended", assignment);
    if (!this.settles) return;
    this.current.delete(assignment.partition);
    void this.settle(assignment, [], true).catch((error: StreamError) => this.failures.push(error));
  }

  async revoking(assignment: Assignment): Promise<void> {
    this.#note("revoking", assignment);
    await this.whileRevoking(assignment);
    this.#note("revoked", assignment);
    this.current.delete(assignment.partition);
  }

  lost(assignment: Assignment): void {
    this.#note("lost", assignment);
    if (this.current.get(assignment.partition) === assignment) this.current.delete(assignment.partition);
  }

  async gap(assignment: Assignment, gap: DriverGap): Promise<void> {
    this.#note("gap", assignment);
    this.gaps.push(gap);
    if (!this.acceptsGaps) throw new Error("the application does not accept the gap");
  }

  failed(error: StreamError): void {
    this.failures.push(error);
  }
}

export function membersOf({ broker }: Opened, topic = "orders", group = "billing"): Member[] {
  return [...broker.topic(topic).groups.get(group)!.members];
}

/** Waits for what happens in the background; fails after ten seconds, because the machine may be busy. */
export async function eventually(check: () => void): Promise<void> {
  await expect.poll(() => attempt(check), { timeout: 10_000, interval: 2 }).toBe("holds");
}

function attempt(check: () => void): string {
  try {
    check();
    return "holds";
  } catch (error) {
    return String(error);
  }
}

export async function expectCode(promise: Promise<unknown>, code: StreamError["code"], words: RegExp = /./): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: "StreamError", code, message: expect.stringMatching(words) as string });
}
