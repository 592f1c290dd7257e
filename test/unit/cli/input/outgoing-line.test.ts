import { inspect } from "node:util";
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  dictionary,
  double,
  integer,
  nat,
  oneof,
  pre,
  property,
  string,
  tuple,
} from "fast-check";
import { describe, expect, test } from "vitest";
import { messageLines, plainLines, valuesWithKeyField } from "../../../../src/cli/input/outgoing-line.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

describe("lines that are messages", () => {
  const readLine = messageLines(undefined, []);
  const valueOf = (line: string): string | null => {
    const value = readLine(bytes(line))?.value ?? null;
    return value === null ? null : Buffer.from(value).toString("latin1");
  };

  test("key, value and headers are taken, the rest is ignored", () => {
    const line = '{"topic":"t","partition":"3","position":"p","timestamp":5,"key":"k","value":"v","headers":{"a":"b"},"more":1}';
    expect(readLine(bytes(line))).toEqual({
      key: "k",
      value: bytes("v"),
      headers: { a: "b" },
      toPartition: undefined,
      producedAt: undefined,
    });
  });

  test("partition and timestamp are kept where that is asked for", () => {
    const keeping = messageLines(undefined, ["partition", "timestamp"]);
    expect(keeping(bytes('{"key":null,"value":"","partition":"3","timestamp":5}'))).toMatchObject({ toPartition: "3", producedAt: 5 });
    expect(() => keeping(bytes('{"key":null,"value":"","partition":"3"}'))).toThrow(/--keep timestamp needs timestamp/);
    expect(() => keeping(bytes('{"key":null,"value":"","partition":3,"timestamp":5}'))).toThrow(/--keep partition needs partition/);
  });

  test("a text is its bytes, null a tombstone, anything else JSON without blanks", () => {
    expect(valueOf('{"key":null,"value":"{\\"a\\": 1}"}')).toBe('{"a": 1}');
    expect(valueOf('{"key":null,"value":null}')).toBeNull();
    expect(valueOf('{"key":null,"value":"null"}')).toBe("null");
    expect(valueOf('{"key":null,"value":{"a": [1, true]}}')).toBe('{"a":[1,true]}');
    expect(valueOf('{"key":null,"value":false}')).toBe("false");
    expect(valueOf('{"key":null,"valueBase64":"gIE="}')).toBe("\x80\x81");
    expect(valueOf('{"key":null,"valueBase64":""}')).toBe("");
  });

  test("numbers are stored as they stand there", () => {
    expect(valueOf('{"key":null,"value":{"a": 1.0, "b": 12345678901234567890, "c": [1e3, -0]}}')).toBe(
      '{"a":1.0,"b":12345678901234567890,"c":[1e3,-0]}',
    );
    expect(valueOf('{"key":null,"value":1.10}')).toBe("1.10");
  });

  test("a line without a key is refused, unless all get one", () => {
    expect(() => readLine(bytes('{"value":"v"}'))).toThrow(/has no "key".*--key/);
    expect(messageLines("all", [])(bytes('{"value":"v"}'))).toMatchObject({ key: "all" });
    expect(messageLines("all", [])(bytes('{"value":"v","key":"own"}'))).toMatchObject({ key: "own" });
    expect(messageLines("all", [])(bytes('{"value":"v","key":null}'))).toMatchObject({ key: null });
  });

  test("blank lines hold no message", () => {
    for (const line of ["", "  ", "\t"]) expect(readLine(bytes(line))).toBeNull();
  });

  test.each([
    ["{", /not JSON \(1 bytes\)/],
    ["[1]", /a JSON object .* is needed; received an array of 1/],
    ["12345678901234567890", /a JSON object .* is needed/],
    ['{"key":1,"value":"v"}', /key must be a text.*received 1/],
    ['{"key":["v"],"value":"v"}', /key must be a text, or null; received an array of 1/],
    ['{"key":"k","value":"v","rawHeaders":{}}', /rawHeaders must be an array of pairs; received an object/],
    ['{"key":"k","value":"v","rawHeaders":[["a"]]}', /pairs of a name and a value in base64, or null; received an array of 1/],
    ['{"key":"k","value":"v","rawHeaders":[["a","v"]]}', /the value of a raw header must be base64/],
    ['{"key":"k"}', /neither "value" nor "valueBase64".*--key-field/],
    ['{"key":"k","value":"v","valueBase64":"dg=="}', /both value and valueBase64/],
    ['{"key":"k","valueBase64":"dg"}', /base64 with its padding; received a string of 2/],
    ['{"key":"k","valueBase64":null}', /base64 with its padding; received null/],
    ['{"key":"k","value":"\\udc80"}', /lone surrogate/],
    ['{"key":"k","value":"v","headers":["a"]}', /headers must be an object of texts; received an array/],
    ['{"key":"k","value":"v","headers":{"a":1}}', /the header "a" must be a text; received 1/],
  ])("refuses %s, without showing what it holds", (line, message) => {
    expect(() => readLine(bytes(line))).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
    );
  });

  test("JSON that is not UTF-8 is refused, and never quoted", () => {
    expect(() => readLine(Buffer.from([0x7b, 0xff]))).toThrow(/not UTF-8/);
    let shown = "";
    try {
      readLine(bytes('{"password":"s3cret"'));
    } catch (error) {
      shown = inspect(error);
    }
    expect(shown).toContain("not JSON");
    expect(shown).not.toContain("s3cret");
  });
});

describe("lines that are values", () => {
  const readLine = valuesWithKeyField("origin");

  test("are stored as they stand there, blanks and numbers included", () => {
    const line = bytes(' {"origin": "ATL",  "delay": 1.0}');
    expect(readLine(line)).toEqual({ key: "ATL", value: line });
  });

  test.each([
    ['{"origin":7}', "7"],
    ['{"origin":7.0}', "7.0"],
    ['{"origin":12345678901234567890}', "12345678901234567890"],
    ['{"origin":true}', "true"],
  ])("the key of %s is %s", (line, key) => {
    expect(readLine(bytes(line))?.key).toBe(key);
  });

  test.each(['{"origin":null}', '{"origin":[]}', '{"origin":{}}', '{"destination":"ATL"}', '"ATL"', "null"])("refuses %s", (line) => {
    expect(() => readLine(bytes(line))).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test("every line gives the same key or is refused as by JSON.parse, also one that is nearly JSON", () => {
    const text = oneof(string(), string({ unit: "binary" }), constantFrom("", "é", "\ufffd", 'a"b', "\\", "\u0001"));
    const scalar = oneof(text, double(), integer(), boolean(), constant(null));
    const name = oneof({ weight: 2, arbitrary: constant("origin") }, constantFrom("Origin", "origi", "origin ", "__proto__"), text);
    const object = array(tuple(name, oneof({ weight: 9, arbitrary: scalar }, array(scalar), dictionary(name, scalar))), {
      maxLength: 6,
    });
    const line = tuple(object, constantFrom([",", ":"], [", ", ": "], [" ,", " :"])).map(([fields, [comma, colon]]) => {
      const members = fields.map(([field, value]) => JSON.stringify(field) + colon + JSON.stringify(value));
      return `{${members.join(comma)}}`;
    });
    const damage = oneof(constant([]), array(tuple(nat(), nat(2), constantFrom(...'{}[],:"\\0-.eE \n\tntf\u0000')), { maxLength: 2 }));
    const damaged = tuple(line, damage).map(([whole, changes]) =>
      changes.reduce((now, [at, cut, put]) => {
        const place = at % (now.length + 1);
        return now.slice(0, place) + put + now.slice(place + cut);
      }, whole),
    );
    const keyBy = (read: () => unknown): unknown => {
      try {
        return read();
      } catch {
        return "refused";
      }
    };
    let plainCount = 0;
    assert(
      property(damaged, (given) => {
        pre(given.trim() !== "");
        const expected = keyBy(() => {
          const { origin } = JSON.parse(Buffer.from(given, "utf8").toString("utf8")) as { origin?: unknown };
          return typeof origin === "object" || origin === undefined ? "refused" : origin;
        });
        const received = keyBy(() => readLine(bytes(given))?.key);
        // A key of digits too small for a number is a zero of either sign here.
        if (typeof expected === "number" && received !== "refused") expect(Number(received) + 0).toBe(expected + 0);
        else expect(received).toBe(String(expected));
        if (typeof expected === "string" && expected !== "refused") plainCount += 1;
      }),
      { numRuns: 20_000, examples: [['{"origin": -3.2e-1099}'], ['{"origin": -0}']] },
    );
    expect(plainCount).toBeGreaterThan(1_000);
  });

  test.each([10, 100_000])("an object of %s fields is read", (count) => {
    const fields = Array.from({ length: count }, (_, index) => `"field${index}":"${index}"`);
    expect(readLine(bytes(`{${fields.join(",")},"origin":"ATL"}`))?.key).toBe("ATL");
  });

  test("a field that every object inherits is no field of it", () => {
    expect(() => valuesWithKeyField("constructor")(bytes("{}"))).toThrow(/received undefined/);
  });
});

test("plain lines take any bytes, and an empty line as an empty value", () => {
  const readLine = plainLines(null);
  expect(readLine(Buffer.from([0xff, 0x00]))).toEqual({ key: null, value: Buffer.from([0xff, 0x00]) });
  expect(readLine(Buffer.alloc(0))).toEqual({ key: null, value: Buffer.alloc(0) });
  expect(plainLines("k")(bytes("v"))).toEqual({ key: "k", value: bytes("v") });
});
