import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probeBroker } from "../../localstack/kafka/broker-probe.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { kcatRequirements, runKafkaTool, runKcat } from "../../localstack/kafka/kafka-tools.ts";

const missing = kafkaRequirements({ security: true });
const START_TIMEOUT_MS = 120_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka({ security: {} })).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("a local %s", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka({ security: {} });
    await runKafkaTool(cluster, "topics", ["--create", "--topic", "flights", "--partitions", "1"]);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  function broker(): KafkaCluster["brokers"][number] {
    const [only] = cluster.brokers;
    if (only === undefined) throw new Error("the cluster has no broker");
    return only;
  }

  function port(): number {
    return Number(broker().address.split(":")[1]);
  }

  async function consoleConsumer(messages: number): Promise<string> {
    const args = [
      "--topic",
      "flights",
      "--from-beginning",
      "--max-messages",
      String(messages),
      "--timeout-ms",
      "30000",
      "--property",
      "print.key=true",
    ];
    return (await runKafkaTool(cluster, "consoleConsumer", args)).stdout;
  }

  test("Java's console clients write and read", { timeout: 60_000 }, async () => {
    const keyed = ["--property", "parse.key=true", "--property", "key.separator=:"];
    await runKafkaTool(cluster, "consoleProducer", ["--topic", "flights", ...keyed], { stdin: "LH400:boarding\n" });
    expect(await consoleConsumer(1)).toBe("LH400\tboarding\n");
  });

  test("stored records survive an orderly stop and kill -9", { timeout: 120_000 }, async () => {
    const pid = broker().pid;
    await broker().stop();
    expect(broker().pid).toBeUndefined();
    await broker().start();
    await broker().kill();
    await expect(probeBroker(port(), [1])).rejects.toThrow("ECONNREFUSED");
    await broker().start();
    expect(broker().pid).not.toBe(pid);
    expect(await consoleConsumer(1)).toBe("LH400\tboarding\n");
  });

  test("a frozen broker does not answer, and continues when it is thawed", { timeout: 60_000 }, async () => {
    broker().freeze();
    await expect(probeBroker(port(), [1])).rejects.toThrow("did not answer");
    broker().thaw();
    await expect.poll(() => probeBroker(port(), [1]), { timeout: 30_000 }).toBeNull();
  });

  const missingKcat = kcatRequirements();

  test.each(missingKcat === null ? [] : [missingKcat])("environment-missing: %s", async (reason) => {
    await expect(runKcat(cluster, ["-L"])).rejects.toThrow(reason);
  });

  describe.each(missingKcat === null ? ["kcat"] : [])("%s", () => {
    async function topicsSeen(listener: "SSL" | "SASL_PLAINTEXT", settings: readonly string[]): Promise<string> {
      const servers = cluster.security?.bootstrapServers[listener] ?? "";
      const protocol = `security.protocol=${listener.toLowerCase()}`;
      const args = [protocol, ...settings].flatMap((setting) => ["-X", setting]);
      return (await runKcat({ bootstrapServers: servers }, [...args, "-L", "-m", "3"])).stdout;
    }

    async function certificateSettings(name: "clientKey" | "untrustedKey"): Promise<readonly string[]> {
      const { authority, [name]: pair } = cluster.security ?? {};
      const file = (ending: string): string => join(cluster.folder, `${name}-${ending}`);
      await writeFile(file("authority.pem"), authority ?? "");
      await writeFile(file("certificate.pem"), pair?.certificate ?? "");
      await writeFile(file("key.pem"), pair?.key ?? "");
      return [
        `ssl.ca.location=${file("authority.pem")}`,
        `ssl.certificate.location=${file("certificate.pem")}`,
        `ssl.key.location=${file("key.pem")}`,
      ];
    }

    test("is accepted with a certificate of the authority, and not with another one", { timeout: 60_000 }, async () => {
      expect(await topicsSeen("SSL", await certificateSettings("clientKey"))).toContain('topic "flights"');
      await expect(topicsSeen("SSL", await certificateSettings("untrustedKey"))).rejects.toThrow(/SSL alert/);
    });

    test("is accepted with a password, sees what it may see, and is refused with a wrong password", { timeout: 60_000 }, async () => {
      const { admin, restricted } = cluster.security?.users ?? {};
      const plain = (username = "", password = "") => ["sasl.mechanism=PLAIN", `sasl.username=${username}`, `sasl.password=${password}`];
      expect(await topicsSeen("SASL_PLAINTEXT", plain(admin?.username, admin?.password))).toContain('topic "flights"');
      expect(await topicsSeen("SASL_PLAINTEXT", plain(restricted?.username, restricted?.password))).not.toContain('topic "flights"');
      await expect(topicsSeen("SASL_PLAINTEXT", plain(admin?.username, "wrong"))).rejects.toThrow("Invalid username or password");
    });
  });

  test("does not outlive the process that started it, even when that is killed", { timeout: START_TIMEOUT_MS }, async () => {
    const module = new URL("../../localstack/kafka/kafka-cluster.ts", import.meta.url).href;
    const script = `
      const { startKafka } = await import(${JSON.stringify(module)});
      const { folder, brokers } = await startKafka();
      console.log(JSON.stringify({ folder, pid: brokers[0].pid }));
      setInterval(() => undefined, 1_000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const { folder, pid } = JSON.parse(line.toString()) as { folder: string; pid: number };
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isAlive(pid) || existsSync(folder), { timeout: 10_000 }).toBe(false);
  });

  test("leaves no files or processes when it is stopped", async () => {
    const pid = broker().pid ?? 0;
    await cluster.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(cluster.folder)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // The process does not exist.
    return false;
  }
}
