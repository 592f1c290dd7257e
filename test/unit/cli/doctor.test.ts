import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../localstack/kafka/broker/emulated-kafka.ts";
import { openMemory } from "../../../adapters/memory/open.ts";
import { examine } from "../../../src/cli/diagnosis/examine.ts";
import type { Finding } from "../../../src/cli/diagnosis/finding.ts";
import { connect, text } from "../../../src/index.ts";
import type { Permission } from "../../../src/driver/index.ts";
import { overrideOpened } from "../../mutants/mutant.ts";
import { gather } from "./gather.ts";
import { runInProcess } from "./run-in-process.ts";

let kafka: EmulatedKafka;

beforeAll(async () => {
  kafka = await startEmulatedKafka({ topics: { orders: { partitions: 2 } } });
  await using connection = await connect(kafka.url, { require: ["groupReset"] });
  await connection.admin.resetGroup("orders", "billing", "earliest");
});

afterAll(async () => {
  await kafka.close();
});

async function doctor(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly findings: readonly Finding[] }> {
  const { exitCode, output, errors } = await runInProcess(["doctor", "--json", ...args], kafka.url);
  expect(errors).toBe("");
  const findings = output.trimEnd().split("\n");
  return { exitCode, findings: findings.map((line) => JSON.parse(line) as Finding) };
}

function resultsOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ check, result }) => `${check}: ${result}`);
}

const GUARDED = ["send", "consume", "create topic", "update topic", "delete topic", "reset group", "delete group"];

test("a topic and a group are looked at, and each operation that cannot be tried is asked for", async () => {
  const { exitCode, findings } = await doctor("--topic", "orders", "--group", "billing");
  expect(resultsOf(findings)).toEqual([
    ...["versions", "url", "reach", "reach", "list topics", "describe topic", "read", "clock", "list groups", "describe group", "lag"].map(
      (check) => `${check}: ok`,
    ),
    ...GUARDED.map((check) => `${check}: ok`),
  ]);
  expect(exitCode).toBe(0);
});

test("without a group, the checks that need one are not tried", async () => {
  const { exitCode, findings } = await doctor("--topic", "orders");
  const results = Object.fromEntries(findings.map(({ check, result }) => [check, result]));
  expect(results).toMatchObject({
    group: "not-tried",
    send: "ok",
    consume: "not-tried",
    "delete topic": "ok",
    "delete group": "not-tried",
  });
  expect(findings.find(({ check }) => check === "consume")?.advice).toContain("--group");
  expect(exitCode).toBe(0);
});

test("a topic that cannot be read and a group behind the end have advice of their own", async () => {
  await kafka.createTopic("damaged", { partitions: 1 });
  await using connection = await connect(kafka.url, { require: ["groupReset", "topicAdmin"] });
  const producer = connection.topic("damaged", { codec: text(), key: () => null }).producer();
  await producer.send({ value: "first" });
  await producer.send({ value: "second" });
  await connection.admin.resetGroup("damaged", "billing", "latest");
  kafka.truncate("damaged", 0, 1n);
  kafka.damage("damaged", "0");
  const { findings } = await doctor("--topic", "damaged", "--group", "billing");
  const find = (name: string) => findings.find(({ check }) => check === name);
  expect(find("read")).toMatchObject({ detail: expect.stringMatching(/^corrupt: /), advice: expect.stringContaining("onCorrupt") });
  expect(find("lag")).toMatchObject({
    detail: expect.stringMatching(/^position-out-of-range: /),
    advice: expect.stringContaining("streamport groups reset"),
  });
  await connection.admin.deleteTopic("damaged");
});

test("a missing topic is reported once", async () => {
  const { exitCode, findings } = await doctor("--topic", "missing", "--group", "billing");
  expect(resultsOf(findings)).toEqual([
    "versions: ok",
    "url: ok",
    "reach: ok",
    "reach: ok",
    "list topics: ok",
    "describe topic: failed",
    "operations: not-tried",
  ]);
  expect(findings[5]).toMatchObject({ detail: expect.stringMatching(/^not-found: /), advice: expect.stringContaining("--topic missing") });
  expect(exitCode).toBe(1);
});

test("a missing group is reported once, and permissions are still checked", async () => {
  const { exitCode, findings } = await doctor("--topic", "orders", "--group", "none");
  const failed = findings.filter(({ result }) => result === "failed");
  expect(failed.map(({ check }) => check)).toEqual(["describe group"]);
  expect(findings).toContainEqual(expect.objectContaining({ check: "lag", result: "not-tried" }));
  expect(findings).toContainEqual(expect.objectContaining({ check: "consume", result: "ok" }));
  expect(exitCode).toBe(1);
});

test("the checks change nothing", async () => {
  await doctor("--topic", "orders", "--group", "new");
  await using connection = await connect(kafka.url, { require: ["topicListing", "groupAdmin"] });
  expect(await connection.admin.listTopics()).toEqual(["orders"]);
  expect(await connection.admin.listGroups("orders")).toEqual(["billing"]);
});

test("memory: permits what it can do", async () => {
  const { output } = await runInProcess(["doctor", "memory:d?create=orders&without=topicAdmin", "--topic", "orders", "--json"]);
  const checks = output.trimEnd().split("\n");
  expect(checks.map((line) => (JSON.parse(line) as Finding).check).filter((check) => GUARDED.includes(check))).toEqual(
    GUARDED.filter((check) => !check.endsWith(" topic")),
  );
});

async function findingsOf(permissions: readonly Permission[] | undefined): Promise<readonly Finding[]> {
  const driver = overrideOpened(openMemory("memory:?create=orders"), (opened) => {
    Object.assign(opened.admin, { permissions: permissions === undefined ? undefined : async () => permissions });
    return opened;
  });
  await using connection = await connect(driver);
  const findings = await gather(examine(connection, { topic: "orders", group: "billing" }));
  return findings.filter(({ check }) => GUARDED.includes(check));
}

test("the description of a group may wait for the session of a member that has died", async () => {
  const limits: number[] = [];
  const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    limits.push(ms);
    return new AbortController().signal;
  });
  let limitMs: number | undefined;
  const driver = overrideOpened(openMemory("memory:?create=orders"), (opened) => {
    const describeGroup = opened.admin.describeGroup.bind(opened.admin);
    Object.assign(opened.admin, {
      describeGroup: async (...given: Parameters<typeof describeGroup>) => {
        limitMs = limits.at(-1);
        return describeGroup(...given);
      },
    });
    return opened;
  });
  await using connection = await connect(driver, { require: ["groupReset"] });
  await connection.admin.resetGroup("orders", "billing", "earliest");
  const findings = await gather(examine(connection, { topic: "orders", group: "billing" }));
  timeout.mockRestore();
  expect(findings.find(({ check }) => check === "describe group")).toMatchObject({ result: "ok", detail: "0 members" });
  expect(limitMs).toBe(60_000);
});

test("what is not permitted may be meant so, and the advice names what to ask for; where the provider reports nothing, the advice says how to try it", async () => {
  const findings = await findingsOf([
    { operation: "send", isAllowed: false, lacking: ["Write on the topic"] },
    { operation: "consume", isAllowed: null, lacking: ["Read on the group"] },
  ]);
  expect(findings).toEqual([
    {
      check: "send",
      result: "doubtful",
      detail: "is not permitted: Write on the topic is missing",
      advice: "Where it is needed, ask for the permission: Write on the topic.",
    },
    {
      check: "consume",
      result: "not-tried",
      detail: "the provider does not report it: needs Read on the group",
      advice: expect.stringContaining("streamport consume"),
    },
  ]);
});

test("where an adapter reports no permissions, the advice says how to try them", async () => {
  expect(resultsOf(await findingsOf(undefined))).toEqual(["send: not-tried", "consume: not-tried"]);
});

test("an address that a broker gives itself, and that cannot be reached from here, is named with what to set", async () => {
  await using hidden = await startEmulatedKafka({ advertisedHost: "kafka.invalid", topics: { orders: {} } });
  const startedAtMs = performance.now();
  const { exitCode, output } = await runInProcess([
    "doctor",
    "--json",
    "--topic",
    "orders",
    hidden.url.replace("kafka.invalid", "127.0.0.1"),
  ]);
  const findings = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding);
  expect(findings.filter(({ check }) => check === "reach")).toMatchObject([
    { result: "ok" },
    {
      result: "failed",
      detail: expect.stringMatching(
        /broker 1 at kafka\.invalid:\d+: unavailable: no connection to kafka\.invalid:\d+ \((?:ENOTFOUND|EAI_AGAIN)/,
      ),
      advice: expect.stringContaining("advertised.listeners"),
    },
  ]);
  const read = findings.find(({ check }) => check === "read");
  expect(read).toMatchObject({ result: "failed", detail: expect.stringMatching(/kafka\.invalid:\d+ .*advertised\.listeners/) });
  expect(exitCode).toBe(1);
  // Each check is tried once.
  expect(performance.now() - startedAtMs).toBeLessThan(15_000);
});
