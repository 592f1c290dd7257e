import { array, assert, bigInt, constantFrom, option, property, record, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonOf } from "../../../../adapters/oci-streaming/client/stream-calls.ts";
import { type MessagePage, ParsedPage, type ServiceMessage, pageOf } from "../../../../adapters/oci-streaming/read/message-page.ts";
import { PlainPage } from "../../../../adapters/oci-streaming/read/plain-page.ts";

const TIMES = ["2026-11-29T10:00:00.000Z", "2026-11-29T10:00:00.001Z", "2026-11-29T10:00:00.01Z", "2026-11-29T10:00:00Z"];

/** As the service writes it. */
const textOf = ({ stream, partition, key, value, offset, timestamp }: ServiceMessage): string =>
  `{"stream":${JSON.stringify(stream)},"partition":"${partition}","key":${JSON.stringify(key)},"value":"${value}","offset":${offset},"timestamp":"${timestamp}"}`;

const bodyOf = (...messages: readonly ServiceMessage[]): Buffer => Buffer.from(`[${messages.map(textOf).join(",")}]`);

const parsed = (body: Buffer): ParsedPage => new ParsedPage(jsonOf({ body }) as readonly ServiceMessage[]);

const message: ServiceMessage = { stream: "flights", partition: "0", key: "YQ==", value: "dg==", offset: "7", timestamp: TIMES[0]! };

function contents(page: MessagePage): readonly unknown[] {
  return Array.from({ length: page.length }, (_, index) => ({
    offset: page.offsetOf(index),
    timestampMs: page.timestampMsOf(index),
    key: page.keyOf(index),
    value: page.valueOf(index),
    bytes: page.bytesOf(index),
    message: page.messageOf(index),
  }));
}

describe("a page as the service writes it", () => {
  test("holds what parsing it gives, for any keys, values, offsets and times", () => {
    const any = record({
      key: option(uint8Array({ maxLength: 40 })),
      value: uint8Array({ maxLength: 200 }),
      offset: bigInt({ min: 0n, max: 10n ** 25n }),
      timestamp: constantFrom(...TIMES),
    });
    assert(
      property(array(any, { minLength: 1, maxLength: 20 }), constantFrom("flights", "Züge", "key"), (given, stream) => {
        const messages = given.map(({ key, value, offset, timestamp }) => ({
          stream,
          partition: "3",
          key: key === null ? null : Buffer.from(key).toString("base64"),
          value: Buffer.from(value).toString("base64"),
          offset: String(offset),
          timestamp,
        }));
        const page = PlainPage.of(bodyOf(...messages));
        expect(contents(page!)).toEqual(contents(parsed(bodyOf(...messages))));
        expect(page!.messageOf(0)).toEqual(messages[0]);
        expect(page!.valueOf(0)).toEqual(Buffer.from(given[0]!.value));
        expect(page!.bytesOf(0)).toBe((given[0]!.key?.length ?? 0) + given[0]!.value.length);
      }),
    );
  });

  test("a base64 text without its padding has as many bytes", () => {
    const page = PlainPage.of(bodyOf({ ...message, key: "YWE", value: "dg" }))!;
    expect([page.keyOf(0), page.valueOf(0), page.bytesOf(0)]).toEqual([Buffer.from("aa"), Buffer.from("v"), 3]);
  });
});

describe("a page in another form is parsed", () => {
  const [first, second] = [textOf(message), textOf({ ...message, offset: "8" })];
  const other = `{"partition":"0","offset":8,"key":"YQ==","value":"dg==","stream":"flights","timestamp":"${TIMES[0]}"}`;
  test.each([
    ["white space", `[ ${first}]`],
    ["white space between messages", `[${first}, ${second}]`],
    ["white space behind it", `[${first}]\n`],
    ["escapes", `[${textOf({ ...message, value: "a/b=" }).replace("/", "\\/")}]`],
    ["a quote in the name of the stream", `[${textOf({ ...message, stream: 'a"key":"b' })}]`],
    ["another order of fields", `[${first},${other}]`],
    ["another order of fields in the first message", `[${other},${first}]`],
    ["a field behind the time", `[${first.replace("}", ',"more":1}')},${second}]`],
    ["a message of another partition", `[${first},${second.replace('"partition":"0"', '"partition":"1"')}]`],
    ["a nested object before the key", `[{"more":${first}}]`],
    ["no message", "[]"],
  ])("%s", (_, text) => {
    const body = Buffer.from(text);
    expect(PlainPage.of(body)).toBeNull();
    if (!text.includes('more":{')) expect(contents(pageOf({ status: 200, headers: {}, body }))).toEqual(contents(parsed(body)));
  });

  test("and one that is no JSON is refused", () => {
    const whole = bodyOf(message, { ...message, offset: "8" });
    for (let length = 0; length < whole.length; length += 1) {
      const body = whole.subarray(0, length);
      expect(PlainPage.of(body)).toBeNull();
      expect(() => pageOf({ status: 200, headers: {}, body })).toThrow(SyntaxError);
    }
    for (const broken of [first.replace("7", ""), first.replace('"dg=="', "null"), first.replace('"YQ=="', "nul")]) {
      expect(PlainPage.of(Buffer.from(`[${broken}]`))).toBeNull();
    }
  });
});
