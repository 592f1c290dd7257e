import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafka, type KafkaOptions } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import type { KafkaSecurity } from "../../localstack/kafka/kafka-security.ts";
import { unsecuredToken } from "../../localstack/kafka/unsecured-token.ts";
import { connect, text } from "../../src/index.ts";

const missing = kafkaRequirements({ security: true });
const START_TIMEOUT_MS = 120_000;
const MOST_MS = 5_000;
/** A session that is renewed several times while the tests run. */
const SESSION_MS = 3_000;

type Mechanism = "plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer";

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka({ security: {} })).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("security of a real %s", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka({ security: { maxReauthenticationMs: SESSION_MS } });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  const security = (): KafkaSecurity => cluster.security!;
  const brokers = (listener: keyof KafkaSecurity["bootstrapServers"]): string[] => security().bootstrapServers[listener].split(",");

  function sasl(mechanism: Mechanism, right: boolean): KafkaOptions["sasl"] {
    const { username, password } = security().users.admin;
    if (mechanism === "oauthbearer") {
      return { mechanism, oauthBearerProvider: async () => ({ value: unsecuredToken(username, right ? 60_000 : -60_000) }) };
    }
    return { mechanism, username, password: right ? password : `${password}-not` };
  }

  async function health(
    options: KafkaOptions,
  ): Promise<{ readonly code: string | null; readonly text: string; readonly durationMs: number }> {
    const startedAtMs = performance.now();
    await using connection = await connect(kafka(options));
    const { error } = await connection.check();
    const shown = error === null ? "" : `${error.message} ${JSON.stringify(error)} ${String(error.cause)}`;
    return { code: error?.code ?? null, text: shown, durationMs: performance.now() - startedAtMs };
  }

  const MECHANISMS: readonly Mechanism[] = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

  test.each(MECHANISMS)("%s lets the right credentials in and refuses wrong ones at once", async (mechanism) => {
    for (const listener of ["SASL_PLAINTEXT", "SASL_SSL"] as const) {
      const tls = listener === "SASL_SSL" ? { ca: security().authority } : undefined;
      expect((await health({ brokers: brokers(listener), tls, sasl: sasl(mechanism, true) })).code).toBeNull();
      const refused = await health({ brokers: brokers(listener), tls, sasl: sasl(mechanism, false) });
      expect(refused.code).toBe("unauthenticated");
      expect(refused.durationMs).toBeLessThan(MOST_MS);
      expect(refused.text).not.toContain(security().users.admin.password);
    }
  });

  test("a URL carries user and password", async () => {
    const { username, password } = security().users.admin;
    const url = `kafka://${username}:${encodeURIComponent(password)}@${security().bootstrapServers.SASL_PLAINTEXT}?sasl.mechanism=scram-sha-256`;
    await using connection = await connect(url);
    expect(await connection.check()).toMatchObject({ ok: true });
  });

  test("a client certificate of the authority is let in, none and another's are refused", async () => {
    const { authority, clientKey, strangerKey } = security();
    const withKey = (pair: typeof clientKey): KafkaOptions => ({
      brokers: brokers("SSL"),
      tls: { ca: authority, cert: pair.certificate, key: pair.key },
    });
    expect((await health(withKey(clientKey))).code).toBeNull();
    for (const options of [
      withKey(strangerKey),
      { brokers: brokers("SSL"), tls: { ca: authority } },
      { brokers: brokers("SSL"), tls: true },
    ]) {
      const refused = await health(options);
      expect(refused.code).toMatch(/^(?:configuration|unavailable)$/);
      expect(refused.durationMs).toBeLessThan(MOST_MS);
    }
  });

  test("TLS to a plain port, plain text to a TLS port, and an unknown host are told within seconds", async () => {
    const plainPort = cluster.bootstrapServers.split(",");
    const cases: readonly (readonly [KafkaOptions, RegExp])[] = [
      [{ brokers: plainPort, tls: true }, /^configuration$/],
      [{ brokers: brokers("SSL") }, /^(?:configuration|unavailable)$/],
      [{ brokers: ["no-such-host.invalid:9092"] }, /^unavailable$/],
      [{ brokers: plainPort, sasl: sasl("plain", true) }, /^(?:unauthenticated|configuration)$/],
      [{ brokers: brokers("SASL_PLAINTEXT") }, /^(?:unauthenticated|unavailable|configuration)$/],
    ];
    for (const [options, code] of cases) {
      const refused = await health(options);
      expect(refused.code).toMatch(code);
      expect(refused.durationMs).toBeLessThan(MOST_MS);
    }
  });

  test("what an access control list does not allow is permission-denied", async () => {
    await using allowed = await connect(kafka({ brokers: cluster.bootstrapServers.split(",") }), { require: ["topicAdmin"] });
    await allowed.admin.createTopic("guarded", { partitions: 1 });
    const { username, password } = security().users.restricted;
    const restricted = kafka({ brokers: brokers("SASL_PLAINTEXT"), sasl: { mechanism: "plain", username, password } });
    await using connection = await connect(restricted, { require: ["topicAdmin"] });
    const topic = connection.topic("guarded", { codec: text() });
    await expect(topic.producer().send({ key: "a", value: "b" })).rejects.toMatchObject({ code: "permission-denied" });
    await expect(topic.reader({ until: "now" })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "permission-denied" });
    await expect(connection.admin.createTopic("mine")).rejects.toMatchObject({ code: "permission-denied" });
    const consumer = topic.consumer({ group: "g" });
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ code: "permission-denied" });
  });

  test("sessions are renewed while messages flow, with a new token each time", { timeout: 30_000 }, async () => {
    let tokens = 0;
    const { username } = security().users.admin;
    const oauthBearerProvider = async () => {
      tokens += 1;
      return { value: unsecuredToken(username, SESSION_MS) };
    };
    const driver = kafka({ brokers: brokers("SASL_PLAINTEXT"), sasl: { mechanism: "oauthbearer", oauthBearerProvider } });
    await using connection = await connect(driver, { require: ["topicAdmin"] });
    await connection.admin.createTopic("renewed", { partitions: 2 });
    const topic = connection.topic("renewed", { codec: text() });
    const producer = topic.producer();
    const received: string[] = [];
    const reader = topic.reader();
    const reading = (async () => {
      for await (const { value } of reader) received.push(value);
    })();
    const sent: string[] = [];
    for (const startedAtMs = performance.now(); performance.now() - startedAtMs < SESSION_MS * 2.5;) {
      sent.push(String(sent.length));
      await producer.send({ key: "one", value: sent.at(-1)! });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expect.poll(() => received.length, { timeout: 5_000 }).toBe(sent.length);
    await reader.close();
    await reading;
    expect(received).toEqual(sent);
    // Two sessions and a half of at least three connections.
    expect(tokens).toBeGreaterThanOrEqual(6);
  });
});
