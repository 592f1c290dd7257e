import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { connect, text } from "../../src/index.ts";
import { type Ended, runCommandLine } from "../cli/command-line.ts";

const missing = kafkaRequirements({ security: true });

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
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

  /** By STREAM_URL, as it should be; nothing that is printed may hold the password. */
  async function run(user: "admin" | "restricted", password: string | undefined, ...args: readonly string[]): Promise<Ended> {
    const { bootstrapServers, users } = cluster.security!;
    const secret = password ?? users[user].password;
    const url = `kafka://${user}:${encodeURIComponent(secret)}@${bootstrapServers.SASL_PLAINTEXT}?sasl.mechanism=scram-sha-256`;
    const ended = await runCommandLine(args, { env: { STREAM_URL: url } });
    expect(ended.output + ended.errors).not.toContain(secret);
    return ended;
  }

  test("the doctor finds nothing wrong with who may do everything", async () => {
    expect(await run("admin", undefined, "doctor", "--topic", "orders")).toMatchObject({ exitCode: 0, errors: "" });
  });

  test("the doctor tells a wrong password, and stops there", async () => {
    const { exitCode, output } = await run("admin", "not-the-password", "doctor", "--topic", "orders");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^FAILED +reach +unauthenticated: .*\n +-> Check user and password/m);
    expect(output).not.toContain("describe topic");
  });

  test("the doctor tells which operations are not permitted", async () => {
    const { exitCode, output } = await run("restricted", undefined, "doctor", "--topic", "orders", "--group", "billing");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^ok +reach /m);
    for (const check of ["describe topic", "read", "list groups", "describe group", "lag"]) {
      expect(output).toMatch(new RegExp(`^FAILED +${check} +permission-denied: .*\\n +-> Ask for the permission`, "m"));
    }
  });

  test.each<readonly [readonly string[]]>([
    [["read", "--topic", "orders"]],
    [["consume", "--topic", "orders", "--group", "billing"]],
    [["topics", "create", "--topic", "mine"]],
  ])("what is not permitted is an error with its code: %j", async (args) => {
    expect(await run("restricted", undefined, ...args)).toMatchObject({
      exitCode: 1,
      output: "",
      errors: expect.stringMatching(/^permission-denied: /),
    });
  });
});
