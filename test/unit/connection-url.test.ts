import { expect, test } from "vitest";
import { parseConnectionUrl } from "../../src/connection-url.ts";
import { isStreamError } from "../../src/errors.ts";

const schemes = ["memory", "kafka"];

test("leaves the adapter its part, a list of hosts included", () => {
  expect(parseConnectionUrl("kafka://user:p%40ss@a:9092,b:9092?tls=true&broker=c:9092", schemes)).toEqual({
    scheme: "kafka",
    adapterUrl: "kafka://user:p%40ss@a:9092,b:9092?tls=true&broker=c:9092",
    topics: {},
    groups: {},
  });
});

test("takes native names of topics and groups out of the query", () => {
  const parsed = parseConnectionUrl("memory:shop?topic.orders=orders-v1-eu&delayMs=5&group.billing=bill%20ing&topic.a.b=c", schemes);
  expect(parsed.adapterUrl).toBe("memory:shop?delayMs=5");
  expect(parsed.topics).toEqual({ orders: "orders-v1-eu", "a.b": "c" });
  expect(parsed.groups).toEqual({ billing: "bill ing" });
});

test.each([
  ["", "text of 0 characters without a scheme"],
  ["localhost9092", "without a scheme"],
  ["localhost:9092", "did you mean kafka://"],
  ["127.0.0.1:9092,b:9092", "did you mean kafka://"],
  ["secret:12345", "did you mean kafka://"],
  ["amqp://secret:password@host", '"amqp"'],
  ["memory:?topic.=x", "topic.NAME"],
  ["memory:?topic.a=", "topic.NAME"],
  ["memory:?topic.a=1&topic.a=2", "topic.NAME"],
  ["memory:?topic.a=%E0%A4%A", "percent-encoded"],
])("refuses %s as configuration, naming what is allowed and no more of the URL", (url, expected) => {
  try {
    parseConnectionUrl(url, schemes);
    expect.unreachable();
  } catch (error) {
    expect(isStreamError(error, "configuration")).toBe(true);
    expect((error as Error).message).toContain(expected);
    expect((error as Error).message).not.toMatch(/secret|password/);
  }
});
