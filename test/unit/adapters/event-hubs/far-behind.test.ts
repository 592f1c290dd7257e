import { expect, test } from "vitest";
import { openWithOptions } from "../../../../adapters/event-hubs/open.ts";
import { EventSizes } from "../../../../adapters/event-hubs/read/event-sizes.ts";
import { parsePosition } from "../../../../adapters/event-hubs/records.ts";
import type { ReaderSink } from "../../../../src/driver/index.ts";
import { bytes } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const EVENTS = 3_500;

/** What a reader from the beginning is given: numbers of events, and where it is told that it has caught up. */
async function readToTheEnd(world: EventHubsWorld, wanted: number): Promise<{ readonly numbers: number[]; readonly caughtUpAt: number[] }> {
  const { connectionString } = world.emulator;
  const report = Object.assign(() => {}, { wants: () => false });
  const driver = openWithOptions({ connectionString, developmentEmulator: true }).open({ report });
  const [numbers, caughtUpAt]: [number[], number[]] = [[], []];
  const over = new AbortController();
  const sink: ReaderSink = {
    deliver: async (_, records) => {
      numbers.push(...records.map(({ position }) => parsePosition(position).sequenceNumber));
      return true;
    },
    unreadable: async () => false,
    advanced: () => true,
    caughtUp: () => {
      caughtUpAt.push(numbers.length);
      if (numbers.length >= wanted) over.abort();
      return !over.signal.aborted;
    },
    ended: () => {},
    appeared: () => {},
    gap: async () => {},
  };
  const reader = driver.reader("flights");
  const { partitions } = await reader.resolve({ from: { kind: "earliest" }, until: null, partitions: null }, over.signal);
  await reader.read(partitions, sink, over.signal).catch(() => undefined);
  await reader.close();
  await driver.close();
  return { numbers, caughtUpAt };
}

test("a link that begins far behind is replaced at what was the end, and nothing is missing or comes twice", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const producer = (await world.connect()).topic("flights", { codec: bytes() }).producer();
  const values = (size: number) => Array.from({ length: EVENTS }, (_, number) => ({ key: `key-${number}`, value: Buffer.alloc(size) }));
  await producer.sendBatch(values(100));
  const first = await readToTheEnd(world, EVENTS);
  expect(first.numbers).toEqual(Array.from({ length: EVENTS }, (_, number) => number));
  // Before that it would be wrong, and a reader that is told of each event's end says it at once.
  expect(first.caughtUpAt).toEqual([EVENTS]);
  await producer.sendBatch(values(10));
  const second = await readToTheEnd(world, 2 * EVENTS);
  expect(second.numbers).toEqual(Array.from({ length: 2 * EVENTS }, (_, number) => number));
  expect(second.caughtUpAt).toEqual([2 * EVENTS]);
  await producer.close();
});

test("the sizes of a hub's events rise at once and fall slowly, so that a link never takes far more than fits", () => {
  const sizes = new EventSizes();
  expect(sizes.meanOf("flights")).toBeNull();
  sizes.note("flights", 1_000);
  sizes.note("flights", 5_000);
  expect(sizes.meanOf("flights")).toBe(5_000);
  sizes.note("flights", 1_000);
  expect(sizes.meanOf("flights")).toBe(4_500);
  for (let read = 0; read < 50; read += 1) sizes.note("flights", 1_000);
  expect(sizes.meanOf("flights")).toBe(1_000);
  expect(sizes.meanOf("other")).toBeNull();
});
