import { expect, test } from "vitest";
import { parseKafkaUrl } from "../../../../adapters/kafka/connection-url.ts";
import { kafka } from "../../../../adapters/kafka/index.ts";
import { checkKafkaOptions, parseBroker } from "../../../../adapters/kafka/options.ts";

const SECRET = "hunter2-secret";

test("a URL has brokers, user, password and settings", () => {
  const settings = "sasl.mechanism=scram-sha-512&tls=true&tls.ca=/ca.pem&broker=c:9094&idempotent=true&compression=zstd&clientId=app%201";
  expect(parseKafkaUrl(`kafka://us%40er:p%3Ass@a:9092,b:9093?${settings}`)).toEqual({
    brokers: ["a:9092", "b:9093", "c:9094"],
    clientId: "app 1",
    tls: { ca: "/ca.pem" },
    sasl: { mechanism: "scram-sha-512", username: "us@er", password: "p:ss" },
    idempotent: true,
    compression: "zstd",
  });
  expect(parseKafkaUrl("kafka://localhost")).toEqual({ brokers: ["localhost"] });
  expect(parseKafkaUrl("kafka://u:p@h?tls=true")).toEqual({
    brokers: ["h"],
    tls: true,
    sasl: { mechanism: "plain", username: "u", password: "p" },
  });
});

test.each([
  ["kafka:host", "form"],
  ["kafka://host/path", "form"],
  ["kafka://host?colour=red", "colour"],
  ["kafka://host?tls=yes", "tls must be true or false"],
  ["kafka://host?tls=false&tls.ca=/x", "tls is false"],
  ["kafka://host?idempotent=1", "idempotent"],
  ["kafka://host?compression=gzip&compression=zstd", "more than once"],
  ["kafka://host?sasl.mechanism=plain", "user"],
  ["kafka://host?sasl.mechanism=oauthbearer", "function"],
  [`kafka://${SECRET}@host`, "password"],
  [`kafka://user:%E0%A4${SECRET}@host`, "percent-encoded"],
])("%s is refused", (url, words) => {
  const parse = () => parseKafkaUrl(url);
  expect(parse).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining(words) }));
  expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining(SECRET) }));
});

test("brokers have a host and a port", () => {
  expect(parseBroker("host")).toEqual({ host: "host", port: 9092 });
  expect(parseBroker("host:1")).toEqual({ host: "host", port: 1 });
  expect(parseBroker("[::1]:9093")).toEqual({ host: "::1", port: 9093 });
  for (const broker of ["", ":9092", "host:0", "host:65536", "host:x", "a:b:c", 5]) {
    expect(() => parseBroker(broker)).toThrow(expect.objectContaining({ code: "configuration" }));
  }
});

const WRONG: readonly (readonly [string, object])[] = [
  ["brokers", { brokers: [] }],
  ["colour", { colour: "red" }],
  ["clientId", { clientId: "" }],
  ["idempotent", { idempotent: 1 }],
  ["compression", { compression: "snappy" }],
  ["tls.ca", { tls: { ca: "" } }],
  ["tls.cert and tls.key", { tls: { cert: "x" } }],
  ["passphrase", { tls: { passphrase: SECRET } }],
  ["sasl.mechanism", { sasl: { mechanism: SECRET } }],
  ["sasl.password", { sasl: { mechanism: "plain", username: "u" } }],
  ["oauthBearerProvider", { sasl: { mechanism: "oauthbearer" } }],
  ["retry", { kafkajs: { retry: {} } }],
  ["socketFactory", { kafkajs: { socketFactory: SECRET } }],
  ["twice", { sasl: { mechanism: "plain", username: "u", password: SECRET }, kafkajs: { sasl: { mechanism: "aws" } } }],
];

test.each(WRONG)("wrong %s is refused without showing it", (words, wrong) => {
  const check = () => checkKafkaOptions({ brokers: ["host:1"], ...wrong });
  expect(check).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining(words) }));
  expect(check).toThrow(expect.objectContaining({ message: expect.not.stringContaining(SECRET) }));
});

test("a key that cannot be used is refused before anything connects", () => {
  const pem = (what: string): string => `-----BEGIN ${what}-----\nbm90IG9uZQ==\n-----END ${what}-----\n`;
  const open = () => kafka({ brokers: ["host:1"], tls: { cert: pem("CERTIFICATE"), key: pem("PRIVATE KEY") } });
  expect(open).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining("cannot be used") }));
});

test("an unreadable file is an error at once", () => {
  const open = () => kafka({ brokers: ["host:1"], tls: { ca: "/no/such/file.pem" } });
  expect(open).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining("tls.ca") }));
});

test("a driver shows no credential", () => {
  const driver = kafka({ brokers: ["host:1"], sasl: { mechanism: "plain", username: "u", password: SECRET } });
  expect(JSON.stringify(driver)).not.toContain(SECRET);
});
