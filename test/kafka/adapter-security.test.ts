import { randomUUID } from "node:crypto";
import { type Socket, connect as connectSocket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaOptions, kafka } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import type { KafkaSecurity } from "../../localstack/kafka/kafka-security.ts";
import { unsecuredToken } from "../../localstack/kafka/unsecured-token.ts";
import { type Connection, connect, isStreamError, text } from "../../src/index.ts";
import { GroupWatch, until } from "./group-watch.ts";

// Tests of access control lists are in adapter-permissions.test.ts.
const missing = kafkaRequirements({ security: true });
const START_TIMEOUT_MS = 120_000;
const MOST_MS = 5_000;
/** The lifetime of a session. It is renewed several times while the tests run. */
const SESSION_MS = 3_000;

type Mechanism = "plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer";
const MECHANISMS: readonly Mechanism[] = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
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
  const plainBrokers = (): string[] => cluster.bootstrapServers.split(",");
  const brokers = (listener: keyof KafkaSecurity["bootstrapServers"]): string[] => security().bootstrapServers[listener].split(",");

  function sasl(mechanism: Mechanism, right = true): KafkaOptions["sasl"] {
    const { username, password } = security().users.admin;
    if (mechanism === "oauthbearer") {
      return { mechanism, oauthBearerProvider: async () => ({ value: unsecuredToken(username, right ? 60_000 : -60_000) }) };
    }
    return { mechanism, username, password: right ? password : `${password}-not` };
  }

  /** A sent message is read and handled. */
  async function expectRoundTrip(options: KafkaOptions): Promise<void> {
    await using connection = await connect(kafka(options), { require: ["topicAdmin"] });
    expect(await connection.check()).toMatchObject({ ok: true });
    const name = `secured-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 1 });
    const topic = connection.topic(name, { codec: text() });
    await topic.producer().send({ key: "k", value: "v" });
    for await (const { value } of topic.reader({ until: "now" })) expect(value).toBe("v");
    const handled: string[] = [];
    const consumer = topic.consumer({ group: "g" });
    await consumer.run(({ value }) => {
      handled.push(value);
      void consumer.close();
    });
    expect(handled).toEqual(["v"]);
  }

  /** Every operation of an application, each on its own connection, is refused with exactly this code, in time, and no error contains a secret. */
  async function expectRefused(options: KafkaOptions, code: string): Promise<void> {
    const uses: readonly ((connection: Connection) => Promise<unknown>)[] = [
      async (connection) => {
        throw (await connection.check()).error ?? new Error("it was let in");
      },
      async (connection) => connection.topic("orders", { codec: text() }).producer().send({ key: "k", value: "v" }),
      async (connection) => connection.topic("orders", { codec: text() }).reader({ until: "now" })[Symbol.asyncIterator]().next(),
      async (connection) =>
        connection
          .topic("orders", { codec: text() })
          .consumer({ group: "g" })
          .run(() => undefined),
      async (connection) => connection.admin.describeTopic("orders"),
    ];
    const refusals = uses.map(async (use) => {
      const startedAtMs = performance.now();
      await using connection = await connect(kafka(options));
      const error = await use(connection).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(performance.now() - startedAtMs).toBeLessThan(MOST_MS);
      if (!isStreamError(error)) throw error;
      const shown = `${error.message} ${JSON.stringify(error)} ${String(error.cause)}`;
      for (const { password } of Object.values(security().users)) expect(shown).not.toContain(password);
      return error.code;
    });
    expect(await Promise.all(refusals)).toEqual(uses.map(() => code));
  }

  test.each(MECHANISMS)("%s accepts valid credentials, and refuses wrong ones at once", async (mechanism) => {
    for (const listener of ["SASL_PLAINTEXT", "SASL_SSL"] as const) {
      const tls = listener === "SASL_SSL" ? { ca: security().authority } : undefined;
      await expectRoundTrip({ brokers: brokers(listener), tls, sasl: sasl(mechanism) });
      await expectRefused({ brokers: brokers(listener), tls, sasl: sasl(mechanism, false) }, "unauthenticated");
    }
  });

  test("a URL contains user and password", async () => {
    const { username, password } = security().users.admin;
    const url = `kafka://${username}:${encodeURIComponent(password)}@${security().bootstrapServers.SASL_PLAINTEXT}?sasl.mechanism=scram-sha-256`;
    await using connection = await connect(url);
    expect(await connection.check()).toMatchObject({ ok: true });
  });

  test("a client certificate of the authority is accepted; none, and one of another authority, are refused", async () => {
    const { authority, clientKey, untrustedKey } = security();
    const withKey = (pair: typeof clientKey): KafkaOptions => ({
      brokers: brokers("SSL"),
      tls: { ca: authority, cert: pair.certificate, key: pair.key },
    });
    await expectRoundTrip(withKey(clientKey));
    await expectRefused(withKey(untrustedKey), "unauthenticated");
    await expectRefused({ brokers: brokers("SSL"), tls: { ca: authority } }, "unauthenticated");
  });

  test.each<readonly [string, string, () => KafkaOptions]>([
    ["a server whose authority is not known", "configuration", () => ({ brokers: brokers("SASL_SSL"), tls: true, sasl: sasl("plain") })],
    [
      "a server of another name than expected",
      "configuration",
      () => ({ brokers: brokers("SASL_SSL"), tls: { ca: security().authority, servername: "elsewhere.example" }, sasl: sasl("plain") }),
    ],
    ["TLS to a plain-text port", "configuration", () => ({ brokers: plainBrokers(), tls: true })],
    ["TLS to a plain-text port with SASL", "configuration", () => ({ brokers: brokers("SASL_PLAINTEXT"), tls: true, sasl: sasl("plain") })],
    ["plain text to a TLS port", "configuration", () => ({ brokers: brokers("SSL") })],
    ["plain text to a TLS port with SASL", "configuration", () => ({ brokers: brokers("SASL_SSL"), sasl: sasl("plain") })],
    ["SASL to a port without it", "unauthenticated", () => ({ brokers: plainBrokers(), sasl: sasl("plain") })],
    ["no SASL to a port with it", "unauthenticated", () => ({ brokers: brokers("SASL_PLAINTEXT") })],
    ["no SASL to a TLS port with it", "unauthenticated", () => ({ brokers: brokers("SASL_SSL"), tls: { ca: security().authority } })],
    [
      "a mechanism that the server does not have",
      "unauthenticated",
      () => {
        const authenticationProvider = () => ({ authenticate: async () => undefined });
        return { brokers: brokers("SASL_PLAINTEXT"), kafkajs: { sasl: { mechanism: "gssapi", authenticationProvider } } };
      },
    ],
    [
      "a token provider that fails",
      "unauthenticated",
      () => {
        const oauthBearerProvider = () => Promise.reject(new Error("no token today"));
        return { brokers: brokers("SASL_PLAINTEXT"), sasl: { mechanism: "oauthbearer", oauthBearerProvider } };
      },
    ],
  ])("%s: every operation is %s", async (_what, code, options) => {
    await expectRefused(options(), code);
  });

  /** A producer, a reader and a member that run for some sessions, and the connections that they open. */
  async function workThrough(sessions: number, options: Pick<KafkaOptions, "sasl">, changed: () => void = () => undefined) {
    let connections = 0;
    const socketFactory = ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }): Socket => {
      connections += 1;
      return connectSocket(port, host, onConnect);
    };
    const driver = kafka({ brokers: brokers("SASL_PLAINTEXT"), kafkajs: { socketFactory }, ...options });
    await using connection = await connect(driver, { require: ["topicAdmin"] });
    const name = `renewed-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 2 });
    const watch = new GroupWatch(connection, name);
    const member = watch.join("a");
    await watch.shared([member], [2]);
    const reader = connection.topic(name, { codec: text() }).reader();
    let read = 0;
    const reading = (async () => {
      for await (const _ of reader) read += 1;
    })();
    reading.catch(() => undefined);
    const send = async (): Promise<void> => {
      await watch.send(10);
      await sleep(30);
    };
    for (const startedAtMs = performance.now(); performance.now() - startedAtMs < SESSION_MS / 2;) await send();
    const opened = connections;
    changed();
    for (const startedAtMs = performance.now(); performance.now() - startedAtMs < SESSION_MS * sessions;) await send();
    await watch.complete();
    await until(() => read === watch.sentCount, "everything read");
    expect(watch.sequences).toEqual(watch.expected);
    await watch.close();
    await member.running;
    await reader.close();
    await reading;
    return { openedLater: connections - opened, repeats: watch.repeats };
  }

  test("sessions are renewed on their connections while messages flow, by each mechanism", { timeout: 30_000 }, async () => {
    let tokens = 0;
    const { username } = security().users.admin;
    const oauthBearerProvider = async () => {
      tokens += 1;
      return { value: unsecuredToken(username, SESSION_MS) };
    };
    const working = MECHANISMS.map((mechanism) =>
      workThrough(2.5, { sasl: mechanism === "oauthbearer" ? { mechanism, oauthBearerProvider } : sasl(mechanism) }),
    );
    // A session that ends without a renewal would close its connection.
    expect(await Promise.all(working)).toEqual(MECHANISMS.map(() => ({ openedLater: 0, repeats: 0 })));
    // A new token each time, for more than ten connections.
    expect(tokens).toBeGreaterThan(20);
  });

  test.each(["fails", "says nothing"])(
    "a token provider that %s for a while when sessions are renewed ends no running client",
    { timeout: 60_000 },
    async (manner) => {
      const { username } = security().users.admin;
      let failures = 0;
      let left = 0;
      const oauthBearerProvider = async () => {
        if (left > 0) {
          left -= 1;
          failures += 1;
          if (manner === "fails") throw new Error("no token today");
          await new Promise(() => undefined);
        }
        return { value: unsecuredToken(username, SESSION_MS) };
      };
      await workThrough(3, { sasl: { mechanism: "oauthbearer", oauthBearerProvider } }, () => {
        left = 5;
      });
      expect(failures).toBe(5);
    },
  );

  test("a token that is no longer accepted ends running clients with unauthenticated", { timeout: 30_000 }, async () => {
    const { username } = security().users.admin;
    let isValid = true;
    const oauthBearerProvider = async () => ({ value: unsecuredToken(username, isValid ? SESSION_MS : -60_000) });
    const driver = kafka({ brokers: brokers("SASL_PLAINTEXT"), sasl: { mechanism: "oauthbearer", oauthBearerProvider } });
    await using connection = await connect(driver, { require: ["topicAdmin"] });
    const name = `expired-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 1 });
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    const watch = new GroupWatch(connection, name);
    const member = watch.join("a");
    await watch.shared([member], [1]);
    const reading = (async () => {
      for await (const _ of topic.reader()) continue;
    })();
    reading.catch(() => undefined);
    await producer.send({ key: "k", value: JSON.stringify({ key: "k", sequence: 0 }) });
    isValid = false;
    const startedAtMs = performance.now();
    const sendOn = async (): Promise<void> => {
      for (;;) {
        await producer.send({ key: "k", value: JSON.stringify({ key: "k", sequence: 0 }) });
        await sleep(50);
      }
    };
    const refused = { code: "unauthenticated" };
    await Promise.all([
      expect(member.running).rejects.toMatchObject(refused),
      expect(reading).rejects.toMatchObject(refused),
      expect(sendOn()).rejects.toMatchObject(refused),
    ]);
    expect(performance.now() - startedAtMs).toBeLessThan(SESSION_MS + MOST_MS);
  });
});
