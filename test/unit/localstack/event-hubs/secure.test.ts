import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { CertificateAuthority } from "../../../../localstack/kafka/certificates.ts";
import { programSays } from "../../../../localstack/kafka/program.ts";
import { EARLIEST, NO_RETRIES, bodies, rejection, until } from "./raw-client.ts";

const hasOpenSsl = programSays("openssl", ["version"]) !== null;

test.each(hasOpenSsl ? [] : ["openssl, to make certificates"])("environment-missing: %s", (reason) => {
  expect(reason).toMatch(/openssl/);
});

describe.each(hasOpenSsl ? ["TLS"] : [])("over %s, with an identity instead of a key", () => {
  let folder: string;
  let emulator: EmulatedEventHubs;
  let trusted: string[];
  let asked: (string | readonly string[])[] = [];
  const credential = {
    getToken: async (scopes: string | string[]) => {
      asked.push(scopes);
      return { token: "made-up", expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "streamport-event-hubs-"));
    const authority = await CertificateAuthority.create(folder, "authority");
    const { certificate: cert, key } = await authority.issue("localhost");
    emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 1 } }, certificate: { key, cert } });
    trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, await authority.certificate()]);
  });

  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  });

  const namespace = (): string => `localhost:${new URL(emulator.url).port}`;

  test.each([
    ["AMQP", {}],
    ["AMQP in a WebSocket", { webSocketOptions: { webSocket: WebSocket } }],
  ])("the raw SDK publishes and reads by %s", async (way, options) => {
    asked = [];
    const producer = new EventHubProducerClient(namespace(), "orders", credential, { ...NO_RETRIES, ...options });
    const large = "x".repeat(200_000);
    for (const text of ["small", "y".repeat(500), large])
      await producer.sendBatch([{ body: Buffer.from(`${way} ${text}`) }], { partitionId: "0" });
    await producer.close();
    const consumer = new EventHubConsumerClient("$Default", namespace(), "orders", credential, { ...NO_RETRIES, ...options });
    const found: string[] = [];
    const errors: Error[] = [];
    const subscription = consumer.subscribe(
      "0",
      { processEvents: async (events) => void found.push(...bodies(events)), processError: async (error) => void errors.push(error) },
      { startPosition: EARLIEST, skipParsingBodyAsJson: true, maxBatchSize: 10 },
    );
    await until(
      () => found.includes(`${way} ${large}`),
      () => `the last event; there are ${found.length}, and ${String(errors[0])}`,
    );
    expect(errors).toEqual([]);
    await subscription.close();
    await consumer.close();
    expect(asked).toContain("https://eventhubs.azure.net//.default");
  });

  test("the checkpoints are there as well, for a bearer token", async () => {
    const service = new BlobServiceClient(`https://${namespace()}/devstoreaccount1`, credential, { retryOptions: { maxTries: 1 } });
    const blob = service.getContainerClient(emulator.checkpointContainer).getBlockBlobClient("x");
    await blob.upload("", 0, { metadata: { a: "1" } });
    expect((await blob.getProperties()).metadata).toEqual({ a: "1" });
  });

  test("a fault refuses an identity as it refuses a key", async () => {
    const producer = new EventHubProducerClient(namespace(), "orders", credential, NO_RETRIES);
    emulator.inject({ kind: "refuse-authorization", topic: "orders" });
    expect((await rejection(producer.sendBatch([{ body: "x" }]))).code).toBe("UnauthorizedError");
    await producer.close();
  });

  test.each([0, 1, 2])("a connection that breaks within TLS, variant %d, harms nobody", async (turn) => {
    const producer = new EventHubProducerClient(namespace(), "orders", credential, { retryOptions: { maxRetries: 0, timeoutInMs: 400 } });
    await producer.sendBatch([{ body: "x" }]);
    // Each fault of the kind begins one variant later.
    emulator.inject({ kind: "disconnect", topic: "orders" });
    expect({ turn, code: (await rejection(producer.sendBatch([{ body: "x" }]))).code }).toEqual({ turn, code: "OperationTimeoutError" });
    await producer.sendBatch([{ body: "x" }]);
    await producer.close();
  });

  test("a client that does not trust the certificate gets nowhere, and harms nobody", async () => {
    setDefaultCACertificates(trusted);
    const producer = new EventHubProducerClient(namespace(), "orders", credential, NO_RETRIES);
    await expect(producer.sendBatch([{ body: "x" }])).rejects.toMatchObject({ message: expect.stringMatching(/certificate/i) });
    await producer.close().catch(() => undefined);
  });
});
