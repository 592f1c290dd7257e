import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients } from "./raw-clients.ts";

test("the namespace is told, and what is missing has the codes of Object Storage", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const { namespace, bucket } = emulator.leases;
  for (const path of ["/n", "/n/"]) {
    const { status, text } = await clients.send("GET", `${emulator.endpoint}${path}`);
    expect([status, JSON.parse(text)]).toEqual([200, namespace]);
  }
  const codeOf = async (method: string, path: string): Promise<unknown> => {
    const { status, text } = await clients.objects(method, path);
    return [status, JSON.parse(text).code];
  };
  expect(await codeOf("GET", `${bucket}/o/none`)).toEqual([404, "ObjectNotFound"]);
  expect(await codeOf("DELETE", `${bucket}/o/none`)).toEqual([404, "ObjectNotFound"]);
  expect(await codeOf("GET", "none/o/none")).toEqual([404, "BucketNotFound"]);
  expect(await codeOf("GET", "none")).toEqual([404, "BucketNotFound"]);
  expect((await clients.objects("GET", bucket)).status).toBe(200);
  const create = { body: JSON.stringify({ name: "own", compartmentId: emulator.tenancy }) };
  expect((await clients.send("POST", `${emulator.endpoint}/n/${namespace}/b`, create)).status).toBe(200);
  expect((await clients.send("POST", `${emulator.endpoint}/n/${namespace}/b`, create)).status).toBe(409);
  expect((await clients.objects("PUT", "own/o/x", { body: "1" })).status).toBe(200);
});

test("an object is read with its tag, also by HEAD, and only if it has changed", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const object = `${emulator.leases.bucket}/o/a%20name%2Fwith%2Bsigns`;
  const put = await clients.objects("PUT", object, { body: "text", headers: { "content-type": "text/plain" } });
  const md5 = createHash("md5").update("text").digest("base64");
  expect(put.headers.get("opc-content-md5")).toBe(md5);
  const etag = put.headers.get("etag")!;
  expect(etag).toMatch(/^[0-9a-f-]{36}$/);
  const got = await clients.objects("GET", object);
  const head = await clients.objects("HEAD", object);
  expect([got.status, got.text, head.status, head.text]).toEqual([200, "text", 200, ""]);
  for (const { headers } of [got, head]) {
    expect(["etag", "content-md5", "content-type", "content-length"].map((name) => headers.get(name))).toEqual([
      etag,
      md5,
      "text/plain",
      "4",
    ]);
  }
  expect((await clients.objects("GET", object, { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await clients.objects("GET", object, { headers: { "if-none-match": "other" } })).status).toBe(200);
  expect((await clients.objects("GET", object, { headers: { "if-match": "other" } })).status).toBe(412);
  expect((await clients.objects("GET", object, { headers: { "if-match": `"${etag}"` } })).status).toBe(200);
});

test("a write is refused for another tag, a wrong sum, and a condition that does not exist", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const object = `${emulator.leases.bucket}/o/x`;
  const code = async (headers: Record<string, string>): Promise<unknown> => {
    const { status, text } = await clients.objects("PUT", object, { body: "1", headers });
    return status === 200 ? 200 : [status, JSON.parse(text).code];
  };
  expect(await code({ "if-match": "missing" })).toEqual([412, "IfMatchFailed"]);
  expect(await code({ "if-none-match": "etag" })).toEqual([400, "InvalidConditionalHeaders"]);
  expect(await code({ "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" })).toEqual([400, "UnmatchedContentMD5"]);
  expect(await code({ "if-none-match": "*" })).toBe(200);
});

test("of writes that race one wins, and a list sees every write that was answered", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const { bucket } = emulator.leases;
  const races = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      clients.objects("PUT", `${bucket}/o/race`, { body: String(index), headers: { "if-none-match": "*" } }),
    ),
  );
  expect(races.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  for (let count = 0; count < 3; count += 1) {
    await clients.objects("PUT", `${bucket}/o/list-${count}`, { body: "x" });
    const { text } = await clients.objects("GET", `${bucket}/o`, { query: "?prefix=list-" });
    expect(JSON.parse(text).objects).toHaveLength(count + 1);
  }
});

test("lists are paged in the order of bytes, with prefixes and the fields that are asked for", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const { bucket } = emulator.leases;
  const names = ["a/1", "a/2", "a/3/x", "a/3/y", "b", "ä", "a+b"];
  for (const name of names) await clients.objects("PUT", `${bucket}/o/${encodeURIComponent(name)}`, { body: name });
  const list = async (query: string): Promise<{ objects: { name: string }[]; prefixes: string[]; nextStartWith: string | null }> =>
    JSON.parse((await clients.objects("GET", `${bucket}/o`, { query })).text);
  const namesOf = async (query: string): Promise<readonly string[]> => (await list(query)).objects.map(({ name }) => name);
  expect(await namesOf("")).toEqual(["a+b", "a/1", "a/2", "a/3/x", "a/3/y", "b", "ä"]);
  expect(await namesOf("?prefix=a+")).toEqual(["a+b"]);
  const paged: string[] = [];
  let start: string | null = "";
  do {
    const page = await list(`?limit=2&start=${encodeURIComponent(start)}`);
    paged.push(...page.objects.map(({ name }) => name));
    start = page.nextStartWith;
  } while (start !== null);
  expect(paged).toEqual(await namesOf(""));
  expect(await list("?prefix=a/&delimiter=/")).toEqual({
    objects: [{ name: "a/1" }, { name: "a/2" }],
    prefixes: ["a/3/"],
    nextStartWith: null,
  });
  expect(await namesOf("?startAfter=a/2&end=b")).toEqual(["a/3/x", "a/3/y"]);
  expect((await list("?prefix=b&fields=size,etag,md5")).objects[0]).toEqual({
    name: "b",
    size: 1,
    etag: expect.any(String),
    md5: expect.any(String),
  });
});
