import dns from "node:dns";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { eventHubs } from "../../../../adapters/event-hubs/index.ts";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { CertificateAuthority } from "../../../../localstack/kafka/certificates.ts";
import { programSays } from "../../../../localstack/kafka/program.ts";
import { connect, text } from "../../../../src/index.ts";
import { GENEROUS } from "./event-hubs-world.ts";

const NAMESPACE = "streamport-test.servicebus.windows.net";
const STORAGE = "devstoreaccount1.blob.core.windows.net";
/** Of AMQP within TLS: a namespace has no other one. */
const PORT = 5671;

const hasOpenSsl = programSays("openssl", ["version"]) !== null;

test.each(hasOpenSsl ? [] : ["openssl, to make certificates"])("environment-missing: %s", (reason) => {
  expect(reason).toMatch(/openssl/);
});

describe.each(hasOpenSsl ? ["TLS"] : [])("over %s, with an identity instead of a key", () => {
  let folder: string;
  let emulator: EmulatedEventHubs;
  let trusted: string[];
  const asked = new Set<string>();
  const credential = {
    getToken: async (scopes: string | string[]) => {
      for (const scope of [scopes].flat()) asked.add(scope);
      return { token: "made-up", expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "streamport-event-hubs-"));
    const authority = await CertificateAuthority.create(folder, "authority");
    const { certificate: cert, key } = await authority.issue("azure", [NAMESPACE, STORAGE]);
    const topics = { flights: { partitions: 2, groups: ["delays"] } };
    emulator = await startEmulatedEventHubs({ topics, port: PORT, certificate: { key, cert } });
    trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, await authority.certificate()]);
    // The names of Azure are those of this machine.
    const lookup = dns.lookup.bind(dns) as (host: string, ...rest: unknown[]) => void;
    vi.spyOn(dns, "lookup").mockImplementation((host: string, ...rest: unknown[]) => {
      lookup(host === NAMESPACE || host === STORAGE ? "127.0.0.1" : host, ...rest);
    });
  });

  afterAll(async () => {
    vi.restoreAllMocks();
    setDefaultCACertificates(trusted);
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("it sends, reads, handles and administrates, with tokens for Event Hubs and for storage", GENEROUS, async () => {
    const checkpoints = `https://${STORAGE}:${PORT}/devstoreaccount1/${emulator.checkpointContainer}`;
    await using connection = await connect(eventHubs({ namespace: NAMESPACE, credential, checkpoints }));
    expect((await connection.check()).error).toBeNull();
    const topic = connection.topic("flights", { codec: text(), key: (value) => value });
    const producer = topic.producer();
    await producer.sendBatch(["a", "b", "c"].map((value) => ({ value })));
    const read: string[] = [];
    for await (const { value } of topic.reader({ until: "now" })) read.push(value);
    expect(read.toSorted()).toEqual(["a", "b", "c"]);
    const handled: string[] = [];
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", commit: { everyMs: 10 } });
    const running = consumer.run(({ value }) => void handled.push(value));
    await expect.poll(() => handled.toSorted(), { timeout: 30_000 }).toEqual(["a", "b", "c"]);
    await consumer.close();
    await running;
    expect(await connection.admin.listGroups("flights")).toEqual(["delays"]);
    expect([...asked].toSorted()).toEqual(["https://eventhubs.azure.net//.default", "https://storage.azure.com/.default"]);
  });

  test("AMQP in a WebSocket: it sends, reads and handles, with a key", GENEROUS, async () => {
    const connectionString = emulator.connectionString
      .replace(`127.0.0.1:${PORT}`, `${NAMESPACE}:${PORT}`)
      .replace(";UseDevelopmentEmulator=true", "");
    await using connection = await connect(eventHubs({ connectionString, checkpoints: "memory", webSockets: true }));
    const topic = connection.topic("flights", { codec: text(), key: (value) => value });
    await topic.producer().send({ value: "by a socket" });
    const read: string[] = [];
    for await (const { value } of topic.reader({ until: "now" })) read.push(value);
    expect(read).toContain("by a socket");
    const handled: string[] = [];
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest" });
    const running = consumer.run(({ value }) => void handled.push(value));
    await expect.poll(() => handled, { timeout: 30_000 }).toContain("by a socket");
    await consumer.close();
    await running;
  });

  test.each([
    ["a namespace", { namespace: `localhost:${PORT}`, credential }],
    ["a name that only ends so", { namespace: "evilservicebus.windows.net.example", credential }],
  ])("no token goes to %s that is not Azure's", async (_, options) => {
    asked.clear();
    await using connection = await connect(eventHubs(options));
    expect((await connection.check()).error).toMatchObject({ code: "configuration" });
    expect([...asked]).toEqual([]);
  });

  test("no token goes to a container that is not Azure's", GENEROUS, async () => {
    const checkpoints = `https://localhost:${PORT}/devstoreaccount1/${emulator.checkpointContainer}`;
    await using connection = await connect(eventHubs({ namespace: NAMESPACE, credential, checkpoints }));
    asked.clear();
    await expect(
      connection
        .topic("flights", { codec: text() })
        .consumer({ group: "delays" })
        .run(() => undefined),
    ).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringMatching(/tokens are sent to Azure's own domains only/),
    });
    expect([...asked].filter((scope) => scope.includes("storage"))).toEqual([]);
  });
});
