import { expect, test } from "vitest";
import { isOfAws } from "../../../../adapters/kinesis/client/aws-clients.ts";
import { parseKinesisUrl } from "../../../../adapters/kinesis/connection-url.ts";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import { loadKinesisOpener } from "../../../../adapters/kinesis/open.ts";
import { checkKinesisOptions } from "../../../../adapters/kinesis/options.ts";

const SECRET = "hunter2-secret";

test("a URL has region, access key and settings", () => {
  const settings = "endpoint=http://localhost:4566&leaseEndpoint=http://localhost:8000&pollMs=200&maxRequestBytes=1000&envelope.orders=raw";
  expect(parseKinesisUrl(`kinesis://AK%2F:se%3Acret@eu-west-1?${settings}`)).toEqual({
    region: "eu-west-1",
    endpoint: "http://localhost:4566",
    leaseEndpoint: "http://localhost:8000",
    credentials: { accessKeyId: "AK/", secretAccessKey: "se:cret" },
    pollMs: 200,
    maxRequestBytes: 1_000,
    envelope: { orders: "raw" },
  });
  expect(parseKinesisUrl("kinesis://")).toEqual({});
  expect(parseKinesisUrl("kinesis://?endpoint=http://localhost:4566")).toEqual({ endpoint: "http://localhost:4566" });
  expect(parseKinesisUrl("kinesis://us-east-1?envelope=raw")).toEqual({ region: "us-east-1", envelope: "raw" });
});

test("the opener takes a URL", async () => {
  const open = await loadKinesisOpener();
  expect(open("kinesis://eu-west-1")).toMatchObject({ provider: "kinesis", specVersion: 1 });
  expect(() => open("kinesis://eu-west-1?colour=red")).toThrow(expect.objectContaining({ code: "configuration" }));
});

test.each([
  ["kinesis:region", "form"],
  ["kinesis://region/path", "form"],
  ["kinesis://region?colour=red", "colour"],
  ["kinesis://region?pollMs=soon", "pollMs"],
  ["kinesis://region?envelope=raw&envelope.a=frame", "besides"],
  [`kinesis://${SECRET}@region`, "secret"],
  [`kinesis://key:%E0%A4${SECRET}@region`, "percent-encoded"],
])("%s is refused", (url, words) => {
  const parse = () => parseKinesisUrl(url);
  expect(parse).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining(words) }));
  expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining(SECRET) }));
});

const WRONG: readonly (readonly [string, object])[] = [
  ["colour", { colour: "red" }],
  ["region", { region: "" }],
  ["endpoint", { endpoint: "localhost:4566" }],
  ["leaseEndpoint", { leaseEndpoint: "ftp://host" }],
  ["pollMs", { pollMs: -1 }],
  ["maxRequestBytes", { maxRequestBytes: 10_485_761 }],
  ["envelope", { envelope: "avro" }],
  ["envelope.orders", { envelope: { orders: "avro" } }],
  ["credentials", { credentials: SECRET }],
  ["credentials.secretAccessKey", { credentials: { accessKeyId: "a" } }],
  ["client", { client: { config: { serviceId: "DynamoDB" }, send: async () => undefined } }],
  ["leaseClient", { leaseClient: {} }],
  ["instead of", { client: { config: { serviceId: "Kinesis" }, send: async () => undefined }, region: "eu-west-1" }],
];

test.each(WRONG)("%s is refused when it is wrong", (words, options) => {
  const check = () => checkKinesisOptions(options);
  expect(check).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining(words) }));
  expect(check).toThrow(expect.objectContaining({ message: expect.not.stringContaining(SECRET) }));
  expect(() => kinesis(options)).toThrow(words);
});

test("names of streams, ARNs, groups and tables", () => {
  const driver = kinesis();
  for (const name of ["orders", "a.b-c_D", "a".repeat(128), "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"]) {
    expect(driver.refuseTopicName(name)).toBeNull();
  }
  for (const name of ["", "a b", "a".repeat(129), "arn:aws:sqs:eu-west-1:123456789012:orders"]) {
    expect(driver.refuseTopicName(name)).toContain("stream");
  }
  expect(driver.refuseGroupName({ group: "g".repeat(115), nativeGroup: undefined })).toBeNull();
  for (const group of ["", "a b", "g".repeat(116)]) expect(driver.refuseGroupName({ group, nativeGroup: undefined })).toContain("group");
  expect(driver.refuseGroupName({ group: "any name", nativeGroup: "my-kcl-app" })).toBeNull();
  expect(driver.refuseGroupName({ group: "g", nativeGroup: "ab" })).toContain("table");
});

test("endpoints of AWS are known: VPC endpoints, FIPS, China and GovCloud too", () => {
  for (const endpoint of [
    undefined,
    "https://kinesis.eu-west-1.amazonaws.com",
    "https://vpce-0a1b-2c3d.kinesis.us-gov-west-1.vpce.amazonaws.com:443/",
    "https://kinesis-fips.us-east-2.api.aws",
    "https://kinesis.cn-north-1.amazonaws.com.cn",
  ]) {
    expect(isOfAws(endpoint), String(endpoint)).toBe(true);
  }
  for (const endpoint of ["http://localhost:4566", "https://kinesis.example.com", "http://amazonaws.com.example.org"]) {
    expect(isOfAws(endpoint), endpoint).toBe(false);
  }
});
