import { UrlSettings, decodeUrlPart, givenOnly } from "../../src/adapter-kit/index.ts";
import { KAFKA_OPTIONS, type KafkaOptions, type KafkaSasl } from "./options.ts";

const SETTINGS = [
  "broker",
  "clientId",
  "tls",
  "tls.ca",
  "tls.cert",
  "tls.key",
  "tls.servername",
  "sasl.mechanism",
  "idempotent",
  "compression",
];

const WHO = "the user or the password in the URL";

/**
 * `kafka://user:password@host:9092,host2:9092?sasl.mechanism=scram-sha-512&tls=true&tls.ca=/path.pem&broker=host3:9092`
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parseKafkaUrl(url: string): KafkaOptions {
  const match = /^kafka:\/\/(?:([^@/?#]*)@)?([^@/?#]*)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) KAFKA_OPTIONS.refuse("a URL of the form kafka://user:password@host:9092,host2:9092?setting=value is needed");
  const [, userInfo, hosts = "", query = ""] = match;
  const settings = new UrlSettings(query, KAFKA_OPTIONS, SETTINGS, ["broker"]);
  const brokers = [...hosts.split(","), ...(settings.list("broker") ?? [])].filter((broker) => broker !== "");
  return {
    brokers,
    ...givenOnly({
      clientId: settings.text("clientId"),
      tls: tlsOf(settings),
      sasl: saslOf(userInfo, settings.text("sasl.mechanism")),
      idempotent: settings.boolean("idempotent"),
      compression: settings.text("compression") as KafkaOptions["compression"],
    }),
  };
}

function tlsOf(settings: UrlSettings): KafkaOptions["tls"] {
  const given = settings.boolean("tls");
  const part = (name: string): string | undefined => settings.text(`tls.${name}`);
  const parts = givenOnly({ ca: part("ca"), cert: part("cert"), key: part("key"), servername: part("servername") });
  if (Object.keys(parts).length === 0) return given;
  if (given === false) KAFKA_OPTIONS.refuse("tls is false, and settings of it are given");
  return parts;
}

function saslOf(userInfo: string | undefined, mechanism: string | undefined): KafkaSasl | undefined {
  if (mechanism === "oauthbearer")
    KAFKA_OPTIONS.refuse("sasl.mechanism oauthbearer needs a function, which has no URL form: use kafka({ sasl: … })");
  if (userInfo === undefined || userInfo === "") {
    if (mechanism !== undefined) KAFKA_OPTIONS.refuse("sasl.mechanism needs the user and the password in the URL: kafka://user:password@…");
    return undefined;
  }
  const colon = userInfo.indexOf(":");
  if (colon === -1) KAFKA_OPTIONS.refuse("the user in the URL has no password: kafka://user:password@…");
  return {
    mechanism: (mechanism ?? "plain") as "plain",
    username: decodeUrlPart(userInfo.slice(0, colon), WHO, KAFKA_OPTIONS),
    password: decodeUrlPart(userInfo.slice(colon + 1), WHO, KAFKA_OPTIONS),
  };
}
