import { expect, test } from "vitest";
import { MalformedAmqp } from "../../../../localstack/event-hubs/wire/amqp-reader.ts";
import { amqp } from "../../../../localstack/event-hubs/wire/amqp-writer.ts";
import { Section, splitMessage, viewOf } from "../../../../localstack/event-hubs/wire/message-sections.ts";

const header = amqp.described(Section.header, amqp.list([]));
const annotations = amqp.described(Section.messageAnnotations, amqp.map([amqp.symbol("a"), amqp.string("b")]));
const deliveryAnnotations = amqp.described(Section.deliveryAnnotations, amqp.map([]));
const properties = amqp.described(Section.properties, amqp.list([]));
const data = amqp.described(Section.data, amqp.binary(Buffer.from("body")));
const footer = amqp.described(Section.footer, amqp.map([]));

test("what follows the annotations is kept in the order and with the bytes that were sent", () => {
  const sections = splitMessage(Buffer.concat([header, annotations, properties, data, footer]));
  expect(viewOf(sections.header)).toEqual(header);
  expect(viewOf(sections.rest)).toEqual(Buffer.concat([properties, data, footer]));
  expect(sections.data!.map(viewOf).map(String)).toEqual(["body"]);
  expect(sections.hasData).toBe(true);
});

test("sections with others between them are put together without those", () => {
  const sections = splitMessage(Buffer.concat([properties, annotations, data, deliveryAnnotations, data, footer, header]));
  expect(viewOf(sections.header)).toEqual(header);
  expect(viewOf(sections.rest)).toEqual(Buffer.concat([properties, data, data, footer]));
  expect(sections.messageAnnotations).toEqual(annotations.subarray(3));
  expect(sections.data).toHaveLength(2);
});

test("a message within a batch ends where its data section ends, whatever follows", () => {
  const message = Buffer.concat([header, data]);
  const batch = Buffer.concat([footer, message, data]);
  const sections = splitMessage(batch, footer.length, footer.length + message.length);
  expect(viewOf(sections.rest)).toEqual(data);
  for (const missing of [1, 2, data.length - 1]) {
    expect(() => splitMessage(batch, footer.length, footer.length + message.length - missing)).toThrow(MalformedAmqp);
  }
});

test("a message without any byte of data says so, and one without a body has no rest", () => {
  const empty = splitMessage(amqp.described(Section.data, amqp.binary(Buffer.alloc(0))));
  expect([empty.hasData, empty.data?.length]).toEqual([false, 1]);
  const none = splitMessage(header);
  expect([none.hasData, none.data, viewOf(none.rest).length]).toEqual([false, null, 0]);
});
