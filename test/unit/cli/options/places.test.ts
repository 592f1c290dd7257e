import { describe, expect, test } from "vitest";
import { durationMs } from "../../../../src/cli/options/parse-values.ts";
import { parseFrom, parseInitialPosition, parseUntil, timeMs } from "../../../../src/cli/options/parse-place.ts";
import { encodePosition, sealBookmark } from "../../../../src/position/position.ts";

const position = encodePosition({ provider: "kafka", cluster: "c", topic: "t", incarnation: "i", partition: "0", position: "7" });
const bookmark = sealBookmark(["kafka", "c", "t", "i", []]);
const EVENING = Date.UTC(2026, 10, 21, 18, 30);

test.each([
  ["90s", 90_000],
  ["7d", 604_800_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["15m", 900_000],
])("the duration %s is %d ms", (text, milliseconds) => {
  expect(durationMs(text)).toBe(milliseconds);
});

test.each(["7", "s", "-1s", "0s", "1e3s", "1 s", "1w", "99999999999999d"])("%j is no duration", (text) => {
  expect(durationMs(text)).toBeNull();
});

test.each([
  ["2026-11-21", Date.UTC(2026, 10, 21)],
  ["2026-11-21T18:30Z", EVENING],
  ["2026-11-21T18:30:00.000+00:00", EVENING],
  ["2026-11-21T19:30:00+01:00", EVENING],
  [String(EVENING), EVENING],
  ["0", 0],
  ["15m", EVENING - 900_000],
])("the time %s", (text, milliseconds) => {
  expect(timeMs(text, EVENING)).toBe(milliseconds);
});

test.each([
  ["2024-02-29", Date.UTC(2024, 1, 29)],
  ["2026-11-21T00:00+05:45", Date.UTC(2026, 10, 20, 18, 15)],
  ["2026-11-21T23:59:59.999-12:00", Date.UTC(2026, 10, 22, 11, 59, 59, 999)],
  ["978307620000", 978_307_620_000],
  ["40000d", 0],
  ["1969-12-31", 0],
])("the time %s is %d ms", (text, milliseconds) => {
  expect(timeMs(text, EVENING)).toBe(milliseconds);
});

// Without a zone the time is ambiguous.
test.each(["2026-11-21T18:30", "21.11.2026", "yesterday", "now", "-1", "1e12", "0x10", ""])("%j is no time", (text) => {
  expect(timeMs(text)).toBeNull();
});

test.each(["2026-13-01", "2026-00-10", "2026-11-31", "2026-11-00", "2026-02-29", "2026-02-30T10:00Z", "2026-11-21T24:00Z"])(
  "the date %s does not exist",
  (text) => {
    expect(timeMs(text)).toBeNull();
  },
);

test.each(["2026-11-21T18:60Z", "2026-11-21T23:59:60Z", "2026-11-21T18:30+15:00", "2026-11-21T18:30+01:60"])(
  "the time %s does not exist",
  (text) => {
    expect(timeMs(text)).toBeNull();
  },
);

// A slip, a year, a date without dashes, seconds, microseconds, nanoseconds.
test.each(["15", "2026", "20261121", String(EVENING / 1_000), "20261121183000", `${EVENING}000`, `${EVENING}000000`, `0${EVENING}`])(
  "the number %s is no time",
  (text) => {
    expect(timeMs(text)).toBeNull();
  },
);

describe("a token shows its own kind, and its prefix has to match", () => {
  test.each([
    ["earliest", "earliest"],
    ["latest", "latest"],
    ["offset:42", { offset: "42" }],
    ["offset:007", { offset: "7" }],
    [
      "offset:49590338271490256608559692538361571095921575989136588898",
      { offset: "49590338271490256608559692538361571095921575989136588898" },
    ],
    [position, { at: position }],
    [`at:${position}`, { at: position }],
    [`after:${position}`, { after: position }],
    [bookmark, { bookmark }],
    [`bookmark:${bookmark}`, { bookmark }],
    [String(EVENING), { timestamp: EVENING }],
  ])("from %s", (text, from) => {
    expect(parseFrom(text)).toEqual(from);
  });

  test.each([
    ["now", "now"],
    ["offset:42", { offset: "42" }],
    [`through:${position}`, { through: position }],
    [bookmark, { bookmark }],
    ["2026-11-21", { timestamp: Date.UTC(2026, 10, 21) }],
  ])("until %s", (text, until) => {
    expect(parseUntil(text)).toEqual(until);
  });

  test.each([
    ["fail", "fail"],
    ["latest", "latest"],
    [`bookmark:${bookmark}`, { bookmark }],
  ])("a new group from %s", (text, initial) => {
    expect(parseInitialPosition(text)).toEqual(initial);
  });

  test.each([
    [parseFrom, "now"],
    [parseFrom, "offset:"],
    [parseFrom, "offset:-1"],
    [parseFrom, "offset:end"],
    [parseUntil, "offset:1.5"],
    [parseInitialPosition, "offset:42"],
    [parseFrom, `through:${position}`],
    [parseFrom, `at:${bookmark}`],
    [parseFrom, `bookmark:${position}`],
    [parseFrom, "at:7"],
    [parseUntil, "earliest"],
    [parseUntil, position],
    [parseUntil, `after:${position}`],
    [parseInitialPosition, position],
  ])("%o refuses %s", (parse, text) => {
    expect(() => parse(text)).toThrow(/^Allowed are /);
  });
});
