import { describe, expect, test } from "vitest";
import { type KafkaBrokerPorts, propertiesFile, serverProperties } from "../../../../localstack/kafka/server-properties.ts";

const first: KafkaBrokerPorts = { nodeId: 1, controllerPort: 20_001, clientPorts: { PLAINTEXT: 20_002 } };
const three: readonly KafkaBrokerPorts[] = [
  first,
  { nodeId: 2, controllerPort: 20_003, clientPorts: { PLAINTEXT: 20_004 } },
  { nodeId: 3, controllerPort: 20_005, clientPorts: { PLAINTEXT: 20_006 } },
];
const alone = { broker: first, brokers: [first], logFolder: "/data/log" } as const;

describe("one broker", () => {
  test("listens on the loopback interface only and keeps everything once", () => {
    expect(serverProperties({ ...alone, profile: "suite" })).toMatchObject({
      listeners: "PLAINTEXT://127.0.0.1:20002,CONTROLLER://127.0.0.1:20001",
      "advertised.listeners": "PLAINTEXT://127.0.0.1:20002",
      "controller.quorum.voters": "1@127.0.0.1:20001",
      "log.dirs": "/data/log",
      "auto.create.topics.enable": "false",
      "default.replication.factor": "1",
      "min.insync.replicas": "1",
      "offsets.topic.replication.factor": "1",
    });
  });

  test("has a listener for each port with security that it is given", () => {
    const broker = { ...first, clientPorts: { PLAINTEXT: 20_002, SASL_SSL: 20_007, SSL: 20_008 } };
    const properties = serverProperties({ ...alone, broker, brokers: [broker], profile: "suite" });
    expect(properties["advertised.listeners"]).toBe("PLAINTEXT://127.0.0.1:20002,SSL://127.0.0.1:20008,SASL_SSL://127.0.0.1:20007");
    expect(properties["listener.security.protocol.map"]).toContain("SASL_SSL:SASL_SSL");
  });
});

test("three brokers keep three replicas, need two of them, and elect no replica that lags", () => {
  const properties = serverProperties({ ...alone, brokers: three, profile: "suite" });
  expect(properties["controller.quorum.voters"]).toBe("1@127.0.0.1:20001,2@127.0.0.1:20003,3@127.0.0.1:20005");
  for (const name of ["default", "offsets.topic", "transaction.state.log", "share.coordinator.state.topic"]) {
    expect(properties[`${name}.replication.factor`], name).toBe("3");
  }
  expect(properties["min.insync.replicas"]).toBe("2");
  expect(properties["transaction.state.log.min.isr"]).toBe("2");
  expect(properties["unclean.leader.election.enable"]).toBe("false");
});

test("only the suite changes how groups behave", () => {
  const groups = (profile: "suite" | "default") =>
    Object.entries(serverProperties({ ...alone, profile })).filter(([name]) => /^group\.|^offsets\.topic\.num/.test(name));
  expect(groups("suite")).toEqual([
    ["group.initial.rebalance.delay.ms", "0"],
    ["group.min.session.timeout.ms", "500"],
    ["offsets.topic.num.partitions", "1"],
  ]);
  expect(groups("default")).toEqual([]);
});

test("the file keeps values that Java would read differently", () => {
  expect(propertiesFile({ "log.dirs": "/a b\\c", text: "one\ntwo" })).toBe("log.dirs=/a b\\\\c\ntext=one\\ntwo\n");
});
