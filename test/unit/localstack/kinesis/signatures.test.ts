import { connect as connectHttp2 } from "node:http2";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { KinesisClient, ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { clientsOf } from "./clients.ts";
import { closing } from "./closing.ts";

const close = closing();

test("a clock that is ten minutes off is told to the client, which signs the next call right, for both services", async () => {
  const emulator = close(await startEmulatedKinesis());
  for (const skewMs of [600_000, -600_000]) {
    emulator.setClockSkew(skewMs);
    const { kinesis, dynamo } = close(clientsOf(emulator));
    for (const [call, what] of [
      [async () => kinesis.send(new ListStreamsCommand({})), skewMs > 0 ? /Signature expired/ : /Signature not yet current/],
      [async () => dynamo.send(new ListTablesCommand({})), /Signature/],
    ] as const) {
      await expect(call()).rejects.toMatchObject({
        name: "InvalidSignatureException",
        message: expect.stringMatching(what),
        $metadata: { clockSkewCorrected: true },
      });
      await call();
    }
  }
});

test("four minutes are tolerated", async () => {
  const emulator = close(await startEmulatedKinesis({ clockSkewMs: 240_000 }));
  await close(clientsOf(emulator)).kinesis.send(new ListStreamsCommand({}));
});

test("the credential has to be scoped to the region of the service", async () => {
  const emulator = close(await startEmulatedKinesis({ region: "eu-west-1" }));
  const { endpoint } = emulator;
  const wrong = close(clientsOf({ endpoint, region: "us-east-1" }));
  const refused = { name: "InvalidSignatureException", message: expect.stringContaining("valid region, not 'us-east-1'") };
  await expect(wrong.kinesis.send(new ListStreamsCommand({}))).rejects.toMatchObject(refused);
  await expect(wrong.dynamo.send(new ListTablesCommand({}))).rejects.toMatchObject(refused);
  const right = close(clientsOf(emulator));
  await right.kinesis.send(new ListStreamsCommand({}));
  await right.dynamo.send(new ListTablesCommand({}));
});

test("credentials expire at once, all of them or some, and others go on", async () => {
  const emulator = close(await startEmulatedKinesis());
  const list = async (accessKeyId: string, sessionToken?: string) => {
    const credentials = { accessKeyId, secretAccessKey: "any", ...(sessionToken === undefined ? {} : { sessionToken }) };
    using clients = clientsOf(emulator, { credentials });
    await clients.kinesis.send(new ListStreamsCommand({}));
  };
  await list("first", "token 1");
  await list("second");
  emulator.expireCredentials("second");
  const expired = { name: "ExpiredTokenException" };
  await expect(list("second")).rejects.toMatchObject(expired);
  await list("first", "token 1");
  emulator.expireCredentials();
  await expect(list("first", "token 1")).rejects.toMatchObject(expired);
  await list("first", "token 2");
  await list("third");
});

test("where the secrets are known, other keys and other secrets are refused, and the URL has the first", async () => {
  const emulator = close(await startEmulatedKinesis({ credentials: { alice: "p@ss/wörd", bob: "b" } }));
  expect(emulator.url).toMatch(/^kinesis:\/\/alice:p%40ss%2Fw%C3%B6rd@us-east-1\?endpoint=http:\/\/127\.0\.0\.1:\d+&pollMs=100$/);
  const list = async (accessKeyId: string, secretAccessKey: string) => {
    using clients = clientsOf(emulator, { credentials: { accessKeyId, secretAccessKey } });
    await clients.kinesis.send(new ListStreamsCommand({ Limit: 7 }));
  };
  await list("alice", "p@ss/wörd");
  await list("bob", "b");
  await expect(list("bob", "c")).rejects.toMatchObject({
    name: "InvalidSignatureException",
    message: expect.stringMatching(/^The request signature we calculated does not match/),
  });
  await expect(list("carol", "b")).rejects.toMatchObject({ name: "UnrecognizedClientException" });
});

test("requests without a signature, or with half of one, are refused", async () => {
  const { endpoint } = close(await startEmulatedKinesis());
  const refusal = async (headers: Record<string, string>): Promise<string> => {
    const target = { "x-amz-target": "Kinesis_20131202.ListStreams", "content-type": "application/x-amz-json-1.1" };
    const response = await fetch(endpoint, { method: "POST", body: "{}", headers: { ...target, ...headers } });
    expect(response.status).toBe(400);
    return ((await response.json()) as { __type: string }).__type;
  };
  expect(await refusal({})).toBe("MissingAuthenticationTokenException");
  expect(await refusal({ authorization: "AWS4-HMAC-SHA256 Credential=a" })).toBe("IncompleteSignatureException");
  const authorization = "AWS4-HMAC-SHA256 Credential=a/20261129/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00";
  expect(await refusal({ authorization })).toBe("IncompleteSignatureException");
  expect(await refusal({ authorization, "x-amz-date": "yesterday" })).toBe("IncompleteSignatureException");
});

test("a request in CBOR gets an error in CBOR that names the switch", async () => {
  const { endpoint } = close(await startEmulatedKinesis());
  const headers = { "x-amz-target": "Kinesis_20131202.ListStreams", "content-type": "application/x-amz-cbor-1.1" };
  const response = await fetch(endpoint, { method: "POST", body: Buffer.from([0xa0]), headers });
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toBe("application/x-amz-cbor-1.1");
  const body = Buffer.from(await response.arrayBuffer());
  // A map of two texts.
  expect(body[0]).toBe(0xa2);
  expect(body.toString()).toContain("aws.cborEnabled=false");
});

test("a client of HTTP/2, as the SDK is without a handler, gets an error that names the handler", async () => {
  const { endpoint, region } = close(await startEmulatedKinesis());
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const kinesis = new KinesisClient({ endpoint, region, credentials, maxAttempts: 1 });
  const refused = { name: "UnsupportedProtocolException", message: expect.stringContaining("NodeHttpHandler") };
  await expect(kinesis.send(new ListStreamsCommand({}))).rejects.toMatchObject(refused);
  kinesis.destroy();
  const session = connectHttp2(endpoint);
  const stream = session.request({ ":method": "POST" });
  const status = await new Promise((resolve) => stream.once("response", (headers) => resolve(headers[":status"])));
  expect(status).toBe(400);
  session.destroy();
});
