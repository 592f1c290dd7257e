import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { runKafkaTool } from "../../localstack/kafka/kafka-tools.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import type { Finding } from "../../src/cli/diagnosis/finding.ts";
import { connect, text } from "../../src/index.ts";
import { type Ended, runCommandLine } from "../cli/command-line.ts";

const GUARDED = ["send", "consume", "create topic", "update topic", "delete topic", "reset group", "delete group"];

const missing = kafkaRequirements({ security: true });

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka({ security: {} })).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("the command line on a %s with security", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka({ security: {} });
    await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
    await connection.admin.createTopic("orders");
    await connection.topic("orders", { codec: text() }).producer().send({ key: null, value: "one" });
  }, 120_000);

  afterAll(async () => {
    await cluster.stop();
  });

  /** The URL is in STREAM_URL, as recommended. No output may contain the password. */
  async function run(user: "admin" | "restricted", password: string | undefined, ...args: readonly string[]): Promise<Ended> {
    const { bootstrapServers, users } = cluster.security!;
    const secret = password ?? users[user].password;
    const url = `kafka://${user}:${encodeURIComponent(secret)}@${bootstrapServers.SASL_PLAINTEXT}?sasl.mechanism=scram-sha-256`;
    const ended = await runCommandLine(args, { env: { STREAM_URL: url } });
    expect(ended.output + ended.errors).not.toContain(secret);
    return ended;
  }

  async function doctor(user: "admin" | "restricted", ...args: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const { output } = await run(user, undefined, "doctor", "--json", ...args);
    const findings = output.trimEnd().split("\n");
    return Object.fromEntries(findings.map((line) => JSON.parse(line) as Finding).map(({ check, result }) => [check, result]));
  }

  test("the doctor finds no problem for a user with all permissions", async () => {
    expect(await run("admin", undefined, "doctor", "--topic", "orders")).toMatchObject({ exitCode: 0, errors: "" });
    const group = await doctor("admin", "--topic", "orders", "--group", "billing");
    for (const check of GUARDED) expect(group[check], check).toBe("ok");
  });

  test("the doctor reports an untrusted server, and what to set", async () => {
    const { bootstrapServers, users } = cluster.security!;
    const url = `kafka://admin:${encodeURIComponent(users.admin.password)}@${bootstrapServers.SASL_SSL}?tls=true`;
    const { exitCode, output } = await runCommandLine(["doctor"], { env: { STREAM_URL: url } });
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^FAILED +reach +configuration: .*tls\.ca/m);
  });

  test("the doctor reports a wrong password, and stops there", async () => {
    const { exitCode, output } = await run("admin", "not-the-password", "doctor", "--topic", "orders");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^FAILED +reach +unauthenticated: .*\n +-> Check user and password/m);
    expect(output).not.toContain("describe topic");
  });

  test("the doctor reports operations that are not permitted", async () => {
    const { exitCode, output } = await run("restricted", undefined, "doctor", "--topic", "orders", "--group", "billing");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^ok +reach /m);
    for (const check of ["describe topic", "read", "list groups", "describe group", "lag"]) {
      expect(output).toMatch(new RegExp(`^FAILED +${check} +permission-denied: .*\\n +-> Ask for the permission`, "m"));
    }
    for (const check of GUARDED) expect(output).toMatch(new RegExp(`^doubtful +${check} +is not permitted: .*\\n +-> .*ask for`, "m"));
  });

  test("the doctor reports the missing permissions of a user who may read", async () => {
    await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
    await connection.admin.createTopic("readable");
    const principal = ["--add", "--allow-principal", "User:restricted"];
    const allow = async (...args: readonly string[]): Promise<unknown> => runKafkaTool(cluster, "acls", [...principal, ...args]);
    await allow("--operation", "Read", "--operation", "Describe", "--topic", "readable");
    await allow("--operation", "Read", "--group", "readable.billing");
    await expect
      .poll(() => doctor("restricted", "--topic", "readable", "--group", "billing"), { timeout: 20_000 })
      .toMatchObject({
        read: "ok",
        send: "doubtful",
        consume: "ok",
        "create topic": "doubtful",
        "update topic": "doubtful",
        "delete topic": "doubtful",
        "reset group": "ok",
        "delete group": "doubtful",
      });
    // The answer is correct.
    const consumed = await run(
      "restricted",
      undefined,
      "groups",
      "reset",
      "--topic",
      "readable",
      "--group",
      "billing",
      "--to",
      "earliest",
      "--execute",
    );
    expect(consumed).toMatchObject({ exitCode: 0, errors: "Moved.\n" });
    const sent = await run("restricted", undefined, "topics", "delete", "--topic", "readable", "--execute");
    expect(sent).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^permission-denied: /) });
  }, 60_000);

  test.each<readonly [readonly string[]]>([
    [["read", "--topic", "orders"]],
    [["consume", "--topic", "orders", "--group", "billing"]],
    [["topics", "create", "--topic", "mine"]],
  ])("an operation that is not permitted is an error with its code: %j", async (args) => {
    expect(await run("restricted", undefined, ...args)).toMatchObject({
      exitCode: 1,
      output: "",
      errors: expect.stringMatching(/^permission-denied: /),
    });
  });
});
