import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InheritedProgress, isInLogOrder } from "../../../src/consume/inherited-progress.ts";
import type { HandledAhead, StoredRecord } from "../../../src/driver/index.ts";
import { aheadText } from "../../../src/leases/ahead-text.ts";
import { aheadOf, fitAhead } from "../../../src/leases/fit-ahead.ts";
import type { StoredAhead } from "../../../src/leases/index.ts";
import { record } from "../consume/fake-driver.ts";

const PLACE = { kind: "after", position: "99" } as const;
const MOST = 1_000_000;

function compare(a: string, b: string): number {
  return Number(BigInt(a) - BigInt(b));
}

function fit(ahead: HandledAhead | null, most: number, stored: StoredAhead | null = null): StoredAhead | null {
  return fitAhead(PLACE, ahead, most, { stored, compare });
}

function bytesOf(ahead: HandledAhead): number {
  return Buffer.byteLength(JSON.stringify(fit(ahead, MOST)));
}

/** A new end leaves some room. */
function roomFor(most: number): number {
  return most - Math.floor(most / 32);
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
  const ends = fc.option(fc.integer({ min: 90, max: 300 }));
  fc.assert(
    fc.property(logs, fc.integer({ min: 0, max: 400 }), ends, (log, most, end) => {
      const stored = end === null ? null : { of: "after 90", upTo: String(end), except: [] };
      const fitted = fit(aheadIn(log), most, stored);
      if (fitted === null) {
        // Not even one exception has room.
        expect(bytesOf({ upTo: "100", except: ["100"] })).toBeGreaterThan(roomFor(most));
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
      const fitted = fit(all, most);
      if (fitted === null || fitted.upTo === all.upTo) return;
      const more = all.except.slice(0, fitted.except.length + 1);
      expect(bytesOf(more.length === all.except.length ? all : { upTo: more.at(-1)!, except: more })).toBeGreaterThan(roomFor(most));
    }),
    { numRuns: 500, seed: 14 },
  );
});

test("what was named once is named as long as the place stays, however much comes behind it", () => {
  fc.assert(
    fc.property(logs, logs, fc.integer({ min: 0, max: 400 }), fc.nat(), (before, behind, most, choice) => {
      const stored = fit(aheadIn(before), most);
      // Some more of it is handled, and more was read.
      const last = before.positions.at(-1)!;
      const more = before.positions.filter((position, index) => index > 0 && (position * 31 + choice) % 3 === 0);
      const log: Log = {
        positions: [...before.positions, ...behind.positions.map((position) => position - 99 + last)],
        handled: new Set([...before.handled, ...more, ...[...behind.handled].map((position) => position - 99 + last)]),
      };
      const named = new Set(skipped(log, fit(aheadIn(log), most, stored)));
      const former = skipped(before, stored);
      expect(former.filter((position) => !named.has(position))).toEqual([]);
    }),
    { numRuns: 1_000, seed: 14 },
  );
});

test("it may end at an exception, which the core gives to a handler, and stores again as it is", () => {
  const log: Log = { positions: [100, 101, 102, 103, 104, 105], handled: new Set([101, 103, 105]) };
  const all = aheadIn(log);
  const room = bytesOf({ upTo: "102", except: ["100", "102"] }) + 2;
  const fitted = aheadOf(PLACE, fit(all, room))!;
  expect(fitted).toEqual({ upTo: "102", except: ["100", "102"] });
  expect(skipped(log, fitted)).toEqual([101]);
  const inherited = new InheritedProgress(fitted, undefined, compare);
  expect(inherited.storedBehind(null)).toEqual(fitted);
  expect(inherited.storedBehind("101")).toEqual({ upTo: "102", except: ["102"] });
  expect(aheadOf(PLACE, fit(inherited.storedBehind(null), room))).toEqual(fitted);
});

test("a text of another client that is no position ends nothing", () => {
  const ahead = { upTo: "105", except: ["100", "102", "104"] };
  const room = bytesOf({ upTo: "102", except: ["100", "102"] }) + 2;
  for (const upTo of ["103", "99", "106"]) {
    expect(fit(ahead, room, { of: "", upTo, except: [] })?.upTo).toBe(upTo === "103" ? "103" : "102");
  }
  expect(fit(ahead, room, { of: "", upTo: "no position", except: [] })?.upTo).toBe("102");
});

test("nothing is stored beside an ended place, nor read beside another one", () => {
  expect(fitAhead({ kind: "ended" }, { upTo: "5", except: [] }, MOST, { stored: null, compare })).toBeNull();
  expect(fit(null, MOST)).toBeNull();
  const fitted = fit({ upTo: "105", except: ["100"] }, MOST);
  expect(aheadOf({ kind: "after", position: "100" }, fitted)).toBeNull();
  expect(aheadOf(PLACE, fitted)).toEqual({ upTo: "105", except: ["100"] });
});

test("two thousand unfinished messages of a busy key have room in a row, by positions as long as those of Kinesis", () => {
  // 20 messages a record, of which each second one is unfinished. The numbers of records lie 2 ** 80 apart.
  const first = 49_665_673_788_220_232_678_358_842_013_611_519_871_180_251_366_145_654_786n;
  const positions = Array.from({ length: 4_001 }, (_, index) => `${first + BigInt(Math.floor(index / 20)) * 2n ** 80n}/${index % 20}`);
  const all = { upTo: positions.at(-1)!, except: positions.slice(0, -1).filter((_, index) => index % 2 === 0) };
  expect(aheadOf(PLACE, fit(all, 16_384))).toEqual(all);
});

test("what was named once goes on being named where fewer exceptions are packed to a longer text", () => {
  // The more regular they are, the more a gap costs.
  const steps = fc.array(fc.constantFrom(1n, 1n, 1n, 1n, 2n), { minLength: 300, maxLength: 400 });
  fc.assert(
    fc.property(steps, fc.array(fc.nat(1_000), { minLength: 20, maxLength: 20 }), (steps, removed) => {
      let at = 10n ** 40n;
      let except = steps.map((step) => String((at += step)));
      const most = Buffer.byteLength(aheadText({ of: "after 99", upTo: String(at + 1n), except }));
      let stored = fit({ upTo: String(at + 1n), except }, most);
      for (const choice of removed) {
        const former: string = stored?.upTo ?? "0";
        // One more is handled, and more was read.
        except = except.filter((_, index) => index !== 1 + (choice % 250));
        at += 2n;
        stored = fit({ upTo: String(at + 1n), except: [...except, String(at)] }, most, stored);
        expect(BigInt(stored?.upTo ?? 0)).toBeGreaterThanOrEqual(BigInt(former));
        except.push(String(at));
      }
    }),
    { numRuns: 100, seed: 14 },
  );
});
