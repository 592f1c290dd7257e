import { expect, test } from "vitest";
import { OptionCheck, UrlSettings, decodeUrlPart, givenOnly, oneOf, optionRules } from "../../../src/adapter-kit/index.ts";

const SECRET = "hunter2-secret";
const CHECK = new OptionCheck("kinesis");
const RULES = { region: optionRules.nonEmptyString, mode: oneOf(["polling", "fan-out"]), pollMs: optionRules.durationMs };

const refused = (words: string): object =>
  expect.objectContaining({ code: "configuration", provider: "kinesis", message: words }) as object;

test.each([
  [{ regoin: "x" }, 'kinesis options: there is no "regoin"; allowed are region, mode, pollMs'],
  [{ region: "" }, "kinesis options: region must be a non-empty string; received an empty string"],
  [{ mode: SECRET }, "kinesis options: mode must be one of polling, fan-out; received a string of 14 characters"],
  [{ region: "x", pollMs: -1 }, "kinesis options: pollMs must be milliseconds from 0 to 2147483647; received -1"],
  [null, "kinesis options: an object is needed; received null"],
  [["x"], "kinesis options: an object is needed; received an array of 1"],
])("the options %j are refused", (options, words) => {
  expect(() => CHECK.check(options, RULES)).toThrow(refused(words));
});

test("what is undefined is absent, and what is needed must be there", () => {
  expect(() => CHECK.check({ region: undefined, mode: "polling" }, RULES)).not.toThrow();
  expect(() => CHECK.check({ mode: "polling" }, RULES, undefined, ["region"])).toThrow(
    refused("kinesis options: region must be a non-empty string; received undefined"),
  );
});

test("options within options are named with their part", () => {
  expect(() => CHECK.check({ ca: 5 }, { ca: optionRules.nonEmptyString }, "tls")).toThrow(
    refused("kinesis options: tls.ca must be a non-empty string; received 5"),
  );
  expect(() => CHECK.check({ passphrase: SECRET }, { ca: optionRules.nonEmptyString }, "tls")).toThrow(
    refused('kinesis options: tls: there is no setting "passphrase"; allowed are ca'),
  );
});

test("settings of a URL have their types", () => {
  const settings = new UrlSettings("a=x%201&b=true&c=false&d=1.5&e=1,2,&e=3", CHECK, ["a", "b", "c", "d", "e", "f"], ["e"]);
  expect(settings.text("a")).toBe("x 1");
  expect([settings.boolean("b"), settings.boolean("c"), settings.boolean("f")]).toEqual([true, false, undefined]);
  expect([settings.number("d", "milliseconds"), settings.number("f", "milliseconds")]).toEqual([1.5, undefined]);
  expect([settings.list("e"), settings.list("f")]).toEqual([["1", "2", "3"], undefined]);
  expect(givenOnly({ a: settings.text("a"), f: settings.text("f") })).toEqual({ a: "x 1" });
});

test("what is always given stays required in the type, and what may be absent is absent", () => {
  interface FileOptions {
    readonly folder: string;
    readonly pollMs?: number;
  }
  const options = (pollMs: number | undefined): FileOptions => givenOnly({ folder: "/streams", pollMs });
  expect(options(undefined)).toEqual({ folder: "/streams" });
  expect("pollMs" in options(undefined)).toBe(false);
  const withDefault: Required<FileOptions> = { pollMs: 25, ...givenOnly(options(5)) };
  expect(withDefault).toEqual({ folder: "/streams", pollMs: 5 });
});

test.each([
  ["colour=red", /there is no setting "colour"; allowed are a, b/],
  ["a=1&a=2", /the setting "a" is given more than once/],
])("the query %s is refused", (query, words) => {
  expect(() => new UrlSettings(query, CHECK, ["a", "b"])).toThrow(expect.objectContaining({ message: expect.stringMatching(words) }));
});

test("values of a wrong type are refused without showing them, unless the adapter shows its values", () => {
  const settings = new UrlSettings(`a=${SECRET}`, CHECK, ["a"]);
  expect(() => settings.boolean("a")).toThrow(refused("kinesis options: a must be true or false; received a string of 14 characters"));
  expect(() => settings.number("a", "bytes")).toThrow(
    refused("kinesis options: a must be a number of bytes; received a string of 14 characters"),
  );
  const open = new UrlSettings("a=soon", new OptionCheck("kinesis", String), ["a"]);
  expect(() => open.number("a", "bytes")).toThrow(refused("kinesis options: a must be a number of bytes; received soon"));
});

test("a part of a URL that cannot be decoded is refused without a cause, which would hold it", () => {
  expect(decodeUrlPart("us%40er", "the user", CHECK)).toBe("us@er");
  let error: unknown;
  try {
    decodeUrlPart(`%E0%A4${SECRET}`, "the user", CHECK);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "configuration", message: "kinesis options: the user is not percent-encoded correctly" });
  expect((error as Error).cause).toBeUndefined();
});
