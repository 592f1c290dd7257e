import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InheritedProgress, isInLogOrder } from "../../../src/consume/inherited-progress.ts";
import type { HandledAhead, StoredRecord } from "../../../src/driver/index.ts";
import { aheadOf, fitAhead } from "../../../src/leases/fit-ahead.ts";
import { record } from "../consume/fake-driver.ts";

const PLACE = { kind: "after", position: "99" } as const;
const MOST = 1_000_000;

function compare(a: string, b: string): number {
  return Number(a) - Number(b);
}

/** A log behind the place: its positions lie apart as they do in a service, and some are handled. */
interface Log {
  readonly positions: readonly number[];
  readonly handled: ReadonlySet<number>;
}

/** Steps between positions, and whether each is handled. The first one is not, and the last one is: else the place, or the end, would be another one. */
const logs = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()), { minLength: 2, maxLength: 60 }).map((steps): Log => {
  let at = 99;
  const positions = steps.map(([step]) => (at += step));
  const isHandled = (index: number): boolean => index === positions.length - 1 || (index > 0 && steps[index]![1]);
  return { positions, handled: new Set(positions.filter((_, index) => isHandled(index))) };
});

function aheadIn({ positions, handled }: Log): HandledAhead {
  return {
    upTo: String(positions.at(-1)),
    except: positions.filter((position) => !handled.has(position)).map(String),
  };
}

/** The positions that the core gives to no handler. */
function skipped({ positions }: Log, ahead: HandledAhead | null): readonly number[] {
  if (ahead === null) return [];
  expect(isInLogOrder(ahead, compare)).toBe(true);
  const inherited = new InheritedProgress(ahead, undefined, compare);
  return positions.filter((position): boolean => inherited.isHandled(record(position) satisfies StoredRecord));
}

test("what is cut to fit names handled positions only, and all of them before its end", () => {
  fc.assert(
    fc.property(logs, fc.integer({ min: 0, max: 400 }), (log, most) => {
      const fitted = fitAhead(PLACE, aheadIn(log), most);
      if (fitted === null) {
        // Not even one exception has room.
        expect(Buffer.byteLength(JSON.stringify(fitAhead(PLACE, { upTo: "100", except: ["100"] }, MOST)))).toBeGreaterThan(most);
        return;
      }
      expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(most);
      const named = aheadOf(PLACE, fitted)!;
      expect(skipped(log, named)).toEqual([...log.handled].filter((position) => position <= Number(named.upTo)));
    }),
    { numRuns: 500, seed: 14 },
  );
});

test("one exception more would not fit", () => {
  fc.assert(
    fc.property(logs, fc.integer({ min: 40, max: 400 }), (log, most) => {
      const all = aheadIn(log);
      const fitted = fitAhead(PLACE, all, most);
      if (fitted === null || fitted.upTo === all.upTo) return;
      const more = all.except.slice(0, fitted.except.length + 1);
      const longer = more.length === all.except.length ? all : { upTo: more.at(-1)!, except: more };
      expect(Buffer.byteLength(JSON.stringify(fitAhead(PLACE, longer, MOST)))).toBeGreaterThan(most);
    }),
    { numRuns: 500, seed: 14 },
  );
});

test("it may end at an exception, which the core gives to a handler, and stores again as it is", () => {
  const log: Log = { positions: [100, 101, 102, 103, 104, 105], handled: new Set([101, 103, 105]) };
  const all = aheadIn(log);
  const room = Buffer.byteLength(JSON.stringify(fitAhead(PLACE, { upTo: "102", except: ["100", "102"] }, MOST)));
  const fitted = aheadOf(PLACE, fitAhead(PLACE, all, room))!;
  expect(fitted).toEqual({ upTo: "102", except: ["100", "102"] });
  expect(skipped(log, fitted)).toEqual([101]);
  const inherited = new InheritedProgress(fitted, undefined, compare);
  expect(inherited.storedBehind(null)).toEqual(fitted);
  expect(inherited.storedBehind("101")).toEqual({ upTo: "102", except: ["102"] });
  expect(aheadOf(PLACE, fitAhead(PLACE, inherited.storedBehind(null), room))).toEqual(fitted);
});

test("nothing is stored beside an ended place, nor read beside another one", () => {
  expect(fitAhead({ kind: "ended" }, { upTo: "5", except: [] }, MOST)).toBeNull();
  const fitted = fitAhead(PLACE, { upTo: "105", except: ["100"] }, MOST);
  expect(aheadOf({ kind: "after", position: "100" }, fitted)).toBeNull();
  expect(aheadOf(PLACE, fitted)).toEqual({ upTo: "105", except: ["100"] });
});
