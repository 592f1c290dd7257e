import { expect, test } from "vitest";
import { notTriedText } from "../not-tried-reporter.ts";

test("what was not tried is named with its reason, each reason once", () => {
  const tests = [
    { name: "environment-missing: a local Kafka needs Java 17", file: "test/kafka/demo.test.ts", about: "the demo on a real Kafka" },
    { name: "something that ran", file: "test/kafka/demo.test.ts", about: "" },
    { name: "environment-missing: kcat is not on PATH", file: "test/kafka/broker.test.ts", about: "" },
    { name: "environment-missing: a local Kafka needs Java 17", file: "test/kafka/broker.test.ts", about: "" },
  ];
  expect(notTriedText(tests)).toBe(`
Not tried on this machine,
  because a local Kafka needs Java 17:
    the demo on a real Kafka (test/kafka/demo.test.ts)
    test/kafka/broker.test.ts
  because kcat is not on PATH:
    test/kafka/broker.test.ts
`);
});

test("nothing is said where everything was tried", () => {
  expect(notTriedText([{ name: "something that ran", file: "a.test.ts", about: "" }])).toBe("");
});
