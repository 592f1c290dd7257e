import { type KafkaOptions, type KafkaSasl, refuseOption } from "./options.ts";

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

/**
 * `kafka://user:password@host:9092,host2:9092?sasl.mechanism=scram-sha-512&tls=true&tls.ca=/path.pem&broker=host3:9092`
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parseKafkaUrl(url: string): KafkaOptions {
  const match = /^kafka:\/\/(?:([^@/?#]*)@)?([^@/?#]*)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) refuseOption("a URL of the form kafka://user:password@host:9092,host2:9092?setting=value is needed");
  const [, userInfo, hosts = "", query = ""] = match;
  const settings = new URLSearchParams(query);
  for (const name of settings.keys()) {
    if (!SETTINGS.includes(name))
      refuseOption(`there is no setting ${JSON.stringify(name.slice(0, 80))}; allowed are ${SETTINGS.join(", ")}`);
    if (name !== "broker" && settings.getAll(name).length > 1) refuseOption(`the setting ${JSON.stringify(name)} is given more than once`);
  }
  const brokers = [...hosts.split(","), ...settings.getAll("broker").flatMap((list) => list.split(","))].filter((broker) => broker !== "");
  return {
    brokers,
    ...ifGiven("clientId", settings.get("clientId")),
    ...ifGiven("tls", tlsOf(settings)),
    ...ifGiven("sasl", saslOf(userInfo, settings.get("sasl.mechanism"))),
    ...ifGiven("idempotent", booleanOf(settings, "idempotent")),
    ...ifGiven("compression", settings.get("compression") as KafkaOptions["compression"] | null),
  };
}

function ifGiven<Name extends string, Value>(name: Name, value: Value | null): { [N in Name]?: Value } {
  return (value === null ? {} : { [name]: value }) as { [N in Name]?: Value };
}

function booleanOf(settings: URLSearchParams, name: string): boolean | null {
  const value = settings.get(name);
  if (value === null || value === "true" || value === "false") return value === null ? null : value === "true";
  refuseOption(`${name} must be true or false`);
}

function tlsOf(settings: URLSearchParams): NonNullable<KafkaOptions["tls"]> | null {
  const given = booleanOf(settings, "tls");
  const parts = ["ca", "cert", "key", "servername"].flatMap((name) => {
    const value = settings.get(`tls.${name}`);
    return value === null ? [] : [[name, value] as const];
  });
  if (parts.length === 0) return given;
  if (given === false) refuseOption("tls is false, and settings of it are given");
  return Object.fromEntries(parts);
}

function saslOf(userInfo: string | undefined, mechanism: string | null): KafkaSasl | null {
  if (mechanism === "oauthbearer")
    refuseOption("sasl.mechanism oauthbearer needs a function, which has no URL form: use kafka({ sasl: … })");
  if (userInfo === undefined || userInfo === "") {
    if (mechanism !== null) refuseOption("sasl.mechanism needs the user and the password in the URL: kafka://user:password@…");
    return null;
  }
  const colon = userInfo.indexOf(":");
  if (colon === -1) refuseOption("the user in the URL has no password: kafka://user:password@…");
  return {
    mechanism: (mechanism ?? "plain") as "plain",
    username: decode(userInfo.slice(0, colon)),
    password: decode(userInfo.slice(colon + 1)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not as a cause: nothing of the URL may be shown.
    refuseOption("the user or the password in the URL is not percent-encoded correctly");
  }
}
