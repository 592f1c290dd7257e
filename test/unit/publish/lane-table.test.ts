import { expect, test } from "vitest";
import { StreamError } from "../../../src/errors.ts";
import { LaneTable } from "../../../src/publish/lane-table.ts";
import { PendingMessage } from "../../../src/publish/pending-message.ts";
import { SingleSend } from "../../../src/publish/single-send.ts";
import { UnsettledMessages } from "../../../src/publish/unsettled-messages.ts";

const nothing = (): void => undefined;
const { current } = new UnsettledMessages(nothing, nothing);
const message = (): PendingMessage =>
  new PendingMessage(null, null, undefined, { group: new SingleSend(nothing, nothing), deadlineMs: Infinity }, 0, current);
const MOST = 4_096;

test("lanes without messages are kept up to a bound, and those with messages beyond it", () => {
  const table = new LaneTable();
  const busy = Array.from({ length: 3_000 }, (_, at) => table.named(`busy-${at}`));
  for (const lane of busy) lane.push(message());
  const most: number[] = [];
  for (let at = 0; at < 50_000; at += 1) {
    const lane = table.named(`idle-${at}`);
    lane.push(message());
    lane.clear();
    table.rest(lane);
    most.push(table.size);
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(2 * MOST);
  expect(busy.map((lane, at) => table.named(`busy-${at}`) === lane && !lane.retired)).not.toContain(false);
  expect(table.areEmpty).toBe(false);
  for (const lane of busy) lane.clear();
  expect(table.areEmpty).toBe(true);
});

test("what a burst of keys has made goes with its messages", () => {
  const table = new LaneTable();
  const burst = Array.from({ length: 100_000 }, (_, at) => {
    const lane = table.named(`key-${at}`);
    lane.push(message());
    return lane;
  });
  const settle = (lanes: typeof burst): void => {
    for (const lane of lanes) {
      lane.clear();
      table.rest(lane);
    }
  };
  settle(burst);
  // The lanes that stayed with the last of them go where work goes on, with however few keys.
  const few = table.named("few");
  for (let at = 0; at < 100_000; at += 1) settle([few]);
  expect(table.size).toBeLessThanOrEqual(MOST);
});

test("a lane that was let go is retired, so that whoever remembers it asks for the new one", () => {
  const table = new LaneTable();
  const first = table.named("a");
  expect(table.named("a")).toBe(first);
  for (let at = 0; at < MOST; at += 1) table.named(`other-${at}`);
  expect(first.retired).toBe(true);
  expect(table.named("a")).not.toBe(first);
});

test("a lane that rests knows nothing of its calls but that it is late", () => {
  const table = new LaneTable();
  const late = table.named("late");
  const split = table.named("split");
  late.retryNeeded(new StreamError("unavailable", "away"));
  late.backOffUntil(1);
  table.shareCallsOf(late, 1);
  table.shareCallsOf(split, 8);
  split.isolateCulprit(16, { toRetry: [], failures: [], retry: null, split: true });
  for (const lane of [late, split]) table.rest(lane);
  const { attempts, lastError, backsOff, maxSharedLanes } = table.named("late");
  expect({ attempts, lastError, backsOff, maxSharedLanes }).toEqual({
    attempts: 0,
    lastError: undefined,
    backsOff: false,
    maxSharedLanes: 1,
  });
  const { splitLimit, isSplit, maxSharedLanes: shared } = table.named("split");
  expect({ splitLimit, isSplit, shared }).toEqual({ splitLimit: Infinity, isSplit: false, shared: Infinity });
});
