import { expect, test } from "vitest";
import type { SecurityMaterial } from "../../../../localstack/kafka/kafka-security.ts";
import { scramArguments, securityProperties } from "../../../../localstack/kafka/security-properties.ts";

const material: SecurityMaterial = {
  authority: "authority",
  authorityFile: "/keys/authority.pem",
  brokerKeyFile: "/keys/broker.pem",
  clientKey: { certificate: "client", key: "client key" },
  untrustedKey: { certificate: "stranger", key: "stranger key" },
  users: { admin: { username: "admin", password: "one" }, restricted: { username: "restricted", password: "two" } },
};

test("SSL demands a client certificate, SASL_SSL does not", () => {
  expect(securityProperties(material, {})).toMatchObject({
    "ssl.keystore.location": "/keys/broker.pem",
    "ssl.truststore.location": "/keys/authority.pem",
    "listener.name.ssl.ssl.client.auth": "required",
    "listener.name.sasl_ssl.ssl.client.auth": "none",
  });
});

test.each(["sasl_plaintext", "sasl_ssl"])("every mechanism is open on %s, with both users", (listener) => {
  const properties = securityProperties(material, {});
  expect(properties[`listener.name.${listener}.sasl.enabled.mechanisms`]).toBe("PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER");
  expect(properties[`listener.name.${listener}.plain.sasl.jaas.config`]).toMatch(/ user_admin="one" user_restricted="two";$/);
  expect(properties).toHaveProperty([`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]);
});

test("sessions end only if the option is given", () => {
  const ending = (maxReauthenticationMs?: number) =>
    Object.entries(securityProperties(material, { maxReauthenticationMs })).filter(([name]) => name.endsWith("connections.max.reauth.ms"));
  expect(ending()).toEqual([]);
  expect(ending(4_000).map(([, value]) => value)).toEqual(["4000", "4000"]);
});

test("access control lists restrict only the restricted user and unknown users", () => {
  const properties = securityProperties(material, {});
  expect(properties["super.users"]).toBe("User:ANONYMOUS;User:admin;User:CN=streamport-client");
  expect(properties["allow.everyone.if.no.acl.found"]).toBe("false");
});

test("formatting adds both users with both digests", () => {
  expect(scramArguments(material).filter((argument) => argument !== "--add-scram")).toEqual([
    "SCRAM-SHA-256=[name=admin,password=one]",
    "SCRAM-SHA-512=[name=admin,password=one]",
    "SCRAM-SHA-256=[name=restricted,password=two]",
    "SCRAM-SHA-512=[name=restricted,password=two]",
  ]);
  expect(scramArguments(material)).toHaveLength(8);
});
