import { type KafkaSecurityOptions, SUPER_USERS, type SecurityMaterial } from "./kafka-security.ts";
import type { KafkaProperties } from "./server-properties.ts";

const SCRAM_MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const MECHANISMS = ["PLAIN", ...SCRAM_MECHANISMS, "OAUTHBEARER"] as const;
const MODULES = "org.apache.kafka.common.security";

/** The settings of a broker for the listeners SSL, SASL_PLAINTEXT and SASL_SSL, and for access control lists. */
export function securityProperties(material: SecurityMaterial, options: KafkaSecurityOptions): KafkaProperties {
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": material.brokerKeyFile,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": material.authorityFile,
    "listener.name.ssl.ssl.client.auth": "required",
    "listener.name.sasl_ssl.ssl.client.auth": "none",
    ...saslProperties("sasl_plaintext", material, options),
    ...saslProperties("sasl_ssl", material, options),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": SUPER_USERS.join(";"),
  };
}

/** Arguments for formatting. SCRAM credentials lie in the metadata log, so formatting must add them before the first connection. */
export function scramArguments({ users }: SecurityMaterial): readonly string[] {
  return Object.values(users).flatMap(({ username, password }) =>
    SCRAM_MECHANISMS.flatMap((mechanism) => ["--add-scram", `${mechanism}=[name=${username},password=${password}]`]),
  );
}

function saslProperties(listener: string, { users }: SecurityMaterial, { maxReauthenticationMs }: KafkaSecurityOptions): KafkaProperties {
  const prefix = `listener.name.${listener}`;
  const passwords = Object.values(users).map(({ username, password }) => `user_${username}="${password}"`);
  const scram = SCRAM_MECHANISMS.map((mechanism) => [
    `${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`,
    `${MODULES}.scram.ScramLoginModule required;`,
  ]);
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: MECHANISMS.join(","),
    [`${prefix}.plain.sasl.jaas.config`]: `${MODULES}.plain.PlainLoginModule required ${passwords.join(" ")};`,
    ...Object.fromEntries(scram),
    [`${prefix}.oauthbearer.sasl.jaas.config`]: `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    [`${prefix}.oauthbearer.sasl.server.callback.handler.class`]: `${MODULES}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
    ...(maxReauthenticationMs === undefined ? {} : { [`${prefix}.connections.max.reauth.ms`]: String(maxReauthenticationMs) }),
  };
}
