import { expect, test } from "vitest";
import { brokerPorts } from "../../../../localstack/kafka/kafka-cluster.ts";

test("three brokers with security get fifteen different ports, outside the range of outgoing connections", async () => {
  const brokers = await brokerPorts(3, true);
  const ports = brokers.flatMap(({ controllerPort, clientPorts }) => [controllerPort, ...Object.values(clientPorts)]);
  expect(new Set(ports).size).toBe(15);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
});

test("without security a broker has one listener for clients", async () => {
  const [broker] = await brokerPorts(1, false);
  expect(Object.keys(broker?.clientPorts ?? {})).toEqual(["PLAINTEXT"]);
});
